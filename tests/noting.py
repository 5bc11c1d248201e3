"""What a database is sent while something is done, and statements that are made anew for it."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple, Protocol

from sqlalchemy import event

from bookshelf.core.db import db


class Sent(NamedTuple):
    """A statement as the database got it."""

    statement: str
    values: Any


@contextmanager
def noting() -> Iterator[list[Sent]]:
    """The statements of the block, but for what begins a transaction."""
    sent: list[Sent] = []

    def note(connection: Any, cursor: Any, statement: str, values: Any, *rest: Any) -> None:
        if not statement.startswith("BEGIN"):
            sent.append(Sent(statement, values))

    event.listen(db.engine, "before_cursor_execute", note)
    try:
        yield sent
    finally:
        event.remove(db.engine, "before_cursor_execute", note)


class MadeOnce(Protocol):
    """What `functools` keeps what it made of."""

    def cache_clear(self) -> None: ...


@contextmanager
def made_anew(*made_once: MadeOnce) -> Iterator[None]:
    """Statements that are made once are made for the block alone, whose constants may differ."""
    for statement in made_once:
        statement.cache_clear()
    yield
    for statement in made_once:
        statement.cache_clear()
