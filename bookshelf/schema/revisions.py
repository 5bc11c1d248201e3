"""Where the code and the database stand, by the numbers of their revisions."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

from alembic.migration import MigrationContext
from alembic.script import Script, ScriptDirectory
from alembic.util import CommandError
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
    with quietly():
        return MigrationContext.configure(connection).get_current_heads()


@contextmanager
def quietly() -> Iterator[None]:
    """Keep Alembic from telling how it would run, as it does when revisions really run."""
    log = logging.getLogger("alembic.runtime.migration")
    level = log.level
    log.setLevel(logging.WARNING)
    try:
        yield
    finally:
        log.setLevel(level)


def is_behind(connection: Connection) -> bool:
    """Whether the database lacks a revision that the code needs.

    A revision that the code does not know comes from a newer release, which this one must bear.
    """
    return bool(lacking(heads_of_database(connection), script()))


def lacking(stands_at: tuple[str, ...], known: ScriptDirectory) -> list[Script]:
    """The revisions that have not run in a database that stands there, in the order to run them.

    What an unknown head stands upon cannot be looked up. It has all that the code needs, unless
    an older revision is a head beside it: that one would be none if anything stood upon it.
    """
    names = {revision.revision for revision in known.walk_revisions()}
    done = _with_all_below(stands_at, names, known)
    ahead = not names.issuperset(stands_at)
    missing: set[str] = set()
    for head in known.get_heads():
        needed = _with_all_below((head,), names, known)
        if not ahead or needed.intersection(stands_at):
            missing |= needed - done
    return [found for found in known.walk_revisions() if found.revision in missing][::-1]


def _with_all_below(heads: tuple[str, ...], names: set[str], known: ScriptDirectory) -> set[str]:
    walks = (known.walk_revisions(head=head) for head in heads if head in names)
    return {revision.revision for walk in walks for revision in walk}


def read_anew() -> ScriptDirectory:
    """The revisions whose files are there by now, which may be more than the code knew at first.

    Raises CommandError for a file that is no revision, or not yet.
    """
    directory = ScriptDirectory(current_app.extensions["migrate"].directory)
    try:
        directory.get_heads()
    except CommandError:
        raise
    except Exception as error:  # a file may fail in any way while somebody writes it
        said = " ".join(str(error).split())
        raise CommandError(f"the files of the revisions cannot be read ({said})") from error
    return directory


def is_newer(stands_at: tuple[str, ...]) -> bool:
    """Whether a newer release has left a database where the code knows no revision."""
    return not {revision.revision for revision in script().walk_revisions()}.issuperset(stands_at)


def standing_in_words(stands_at: tuple[str, ...]) -> str:
    """ "0003", or for what a newer release has left "0042, newer than this code knows (0005)"."""
    if not is_newer(stands_at):
        return in_words(stands_at)
    return f"{in_words(stands_at)}, newer than this code knows ({in_words(heads_of_code())})"


def next_number() -> str:
    """The number of the next revision: four digits, one more than the highest there is.

    The files are read anew, as a revision may have been written in this process.
    """
    numbers = [int(r.revision) for r in read_anew().walk_revisions() if r.revision.isdecimal()]
    return f"{max(numbers, default=0) + 1:04d}"


def in_words(heads: tuple[str, ...]) -> str:
    """ "0003", "0003 and 0004", or "no revision"."""
    return " and ".join(heads) or "no revision"
