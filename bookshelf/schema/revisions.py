"""Where the code and the database stand, by the numbers of their revisions."""

from functools import cache

from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from flask import current_app
from sqlalchemy import Connection

import bookshelf.schema.operations  # noqa: F401  revisions find these on `op`


def script() -> ScriptDirectory:
    """The revisions that the code knows."""
    return _script(current_app.extensions["migrate"].directory)


@cache
def _script(directory: str) -> ScriptDirectory:
    return ScriptDirectory(directory)


def heads_of_code() -> tuple[str, ...]:
    """The newest revisions that the code knows; more than one only while branches are unmerged."""
    return tuple(script().get_heads())


def heads_of_database(connection: Connection) -> tuple[str, ...]:
    """The revisions at which the database stands; none before the first migration."""
    return MigrationContext.configure(connection).get_current_heads()


def is_behind(connection: Connection) -> bool:
    """Whether the database lacks a revision that the code needs.

    A revision that the code does not know comes from a newer release, which this one must bear.
    """
    known = {revision.revision for revision in script().walk_revisions()}
    stands_at = heads_of_database(connection)
    return known.issuperset(stands_at) and set(stands_at) != set(heads_of_code())


def next_number() -> str:
    """The number of the next revision: four digits, one more than the highest there is.

    The scripts are read anew, as a revision may have been written in this process.
    """
    directory = ScriptDirectory(current_app.extensions["migrate"].directory)
    numbers = [int(r.revision) for r in directory.walk_revisions() if r.revision.isdecimal()]
    return f"{max(numbers, default=0) + 1:04d}"


def in_words(heads: tuple[str, ...]) -> str:
    """ "0003", "0003 and 0004", or "no revision"."""
    return " and ".join(heads) or "no revision"
