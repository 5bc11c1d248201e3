"""What went wrong in words for a person, at the field where it can be mended."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm.exc import StaleDataError

from bookshelf.core.db import db


class Problem(Exception):
    """Something that a person can mend; `field` names the form field that it belongs to."""

    def __init__(self, message: str, field: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.field = field


class Stale(Problem):
    """Somebody else saved the record since the form was drawn."""

    def __init__(self) -> None:
        super().__init__("Somebody else saved this record meanwhile. Look at it once more.")


@contextmanager
def flushing(meanings: Mapping[str, tuple[str, str | None]]) -> Iterator[None]:
    """Flush what the block leaves to the session; raise the Problem that a broken constraint means.

    `meanings` maps the names of constraints to a message and its field. Raises Stale where the
    row's version is no longer the one that was loaded; an IntegrityError without a meaning passes.
    """
    try:
        yield
        db.session.flush()
    except StaleDataError:
        raise Stale from None
    except IntegrityError as error:
        broken = _broken_constraint(error)
        for name, meaning in meanings.items():
            if broken and name.startswith(broken):
                raise Problem(*meaning) from error
        raise


def _broken_constraint(error: IntegrityError) -> str | None:
    """The name of the constraint; on SQLite a foreign key has none, so "fk_" stands for it."""
    if diagnostics := getattr(error.orig, "diag", None):
        return str(diagnostics.constraint_name)
    kind, _, columns = str(error.orig).partition(" constraint failed")
    table, _, _ = columns.removeprefix(": ").partition(".")
    names = [column.rpartition(".")[2] for column in columns.removeprefix(": ").split(", ")]
    return {
        "UNIQUE": "_".join(["uq", table, *names]),
        "FOREIGN KEY": "fk_",
        "CHECK": columns.removeprefix(": "),
    }.get(kind)
