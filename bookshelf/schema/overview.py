"""Where the database stands: every revision with what it does, what is pending, and any drift."""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from alembic.script import Script, ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection, create_engine

from bookshelf.schema import drift, plan, revisions, steps, words
from bookshelf.schema.plan import Planned
from bookshelf.schema.steps import Move

CREATED = re.compile(r"^Create Date: (\d{4}-\d\d-\d\d)", re.MULTILINE)

# What the revisions of a database's kind do, by their files and when these were written.
_told: dict[tuple[str, Sequence[tuple[str, int]]], Mapping[str, Sequence[str]]] = {}


class Entry(NamedTuple):
    """A revision on the timeline."""

    number: str
    message: str
    day: datetime | None
    does: Sequence[str]
    is_pending: bool


class Overview(NamedTuple):
    """What the page shows; `drift` is None while it cannot be told from what is pending."""

    stands_at: str
    code: str  # where this process has stood since it began
    is_ahead: bool
    timeline: Sequence[Entry]  # the newest first
    pending: Sequence[Planned]
    drift: Sequence[str] | None
    trouble: str  # why the pending revisions cannot be looked at; else empty


def of(connection: Connection) -> Overview:
    """Look at the revisions and at the database of a connection, which is only read.

    Raises CommandError where the files of the revisions cannot be read.
    """
    heads, known = revisions.heads_of_database(connection), revisions.read_anew()
    lacking = {revision.revision for revision in revisions.lacking(heads, known)}
    is_ahead = revisions.is_newer(heads)
    compared = None if lacking or is_ahead else drift.differences(connection)
    pending, trouble = _pending(connection)
    return Overview(
        stands_at=revisions.in_words(heads),
        code=revisions.in_words(revisions.heads_of_code()),
        is_ahead=is_ahead,
        timeline=list(_timeline(known, lacking, connection)),
        pending=pending,
        drift=compared,
        trouble=trouble,
    )


def _pending(connection: Connection) -> tuple[Sequence[Planned], str]:
    try:
        return plan.pending(connection), ""
    except CommandError as error:
        return (), str(error)


def _timeline(known: ScriptDirectory, lacking: set[str], connection: Connection) -> Iterator[Entry]:
    history = list(known.walk_revisions())
    does = _in_words(history[::-1], connection)
    for revision in history:
        name = revision.revision
        is_pending = name in lacking
        yield Entry(name, revision.doc, _day(revision), does.get(name, ()), is_pending)


def _in_words(history: Sequence[Script], connection: Connection) -> Mapping[str, Sequence[str]]:
    """What each revision does; known from the last time, unless a file has come or changed."""
    files = tuple((script.path, Path(script.path).stat().st_mtime_ns) for script in history)
    if (connection.dialect.name, files) not in _told:
        _told.clear()
        _told[connection.dialect.name, files] = _played(history, connection)
    return _told[connection.dialect.name, files]


def _played(history: Sequence[Script], connection: Connection) -> Mapping[str, Sequence[str]]:
    """What each revision does, found out by playing them all from the beginning."""
    moves = [Move(revision, is_upgrade=True) for revision in history]
    try:
        with _empty(connection) as nowhere:
            played = steps.look_ahead(moves, nowhere)
    except CommandError:  # of a pending one the page says why
        return {}
    return {
        step.revision.revision: [words.in_words(operation) for operation in step.operations]
        for step in played
    }


@contextmanager
def _empty(connection: Connection) -> Iterator[Connection]:
    """A database of the same kind in which nothing has run; on PostgreSQL none is asked."""
    if connection.dialect.name != "sqlite":
        yield connection
        return
    engine = create_engine("sqlite://")
    with engine.connect() as nowhere:
        yield nowhere
    engine.dispose()


def _day(revision: Script) -> datetime | None:
    found = CREATED.search(revision.module.__doc__ or "")
    return datetime.fromisoformat(found[1]) if found else None
