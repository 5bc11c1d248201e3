"""Ids in URLs and forms: whole numbers that a database can hold, and nothing else."""

from werkzeug.routing import IntegerConverter

LARGEST_ID = 2**31 - 1


class IdConverter(IntegerConverter):
    """`<id:author_id>` in a rule; a number that no row can have is 404 before any query."""

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs, min=1, max=LARGEST_ID)  # type: ignore[arg-type,misc]


def parse_id(typed: str | None) -> int | None:
    """The id that a parameter or a hidden field holds, None where it holds no possible one."""
    if typed and typed.isascii() and typed.isdecimal() and len(typed) <= len(str(LARGEST_ID)):
        return int(typed) if 1 <= int(typed) <= LARGEST_ID else None
    return None
