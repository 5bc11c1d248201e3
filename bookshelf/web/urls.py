"""What URLs and forms hold: text as a person meant it, and ids that a database can hold."""

from flask import request
from werkzeug.routing import IntegerConverter

LARGEST_ID = 2**31 - 1
LONGEST = 2_000  # characters; pages let people type 200


class IdConverter(IntegerConverter):
    """`<id:author_id>` in a rule; a number that no row can have is 404 before any query."""

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs, min=1, max=LARGEST_ID)  # type: ignore[arg-type,misc]


def parse_id(typed: str | None) -> int | None:
    """The id that a parameter or a hidden field holds, None where it holds no possible one."""
    if typed and typed.isascii() and typed.isdecimal() and len(typed) <= len(str(LARGEST_ID)):
        return int(typed) if 1 <= int(typed) <= LARGEST_ID else None
    return None


def typed(name: str) -> str:
    """A parameter of the URL as a person meant it; SQLite fails at patterns that are very long."""
    return request.args.get(name, "").replace("\0", "").strip()[:LONGEST]
