"""How connections to the database begin, and are looked at before they are used again."""

import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import partial
from select import POLLIN, poll
from typing import Any

from sqlalchemy import Connection, Dialect, Engine, event
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import InvalidatePoolError, OperationalError
from sqlalchemy.pool import ConnectionPoolEntry

PING_AFTER_S = 1
USED = "used"  # in the notes on a connection: when it was given back, in seconds

PAUSE_S = 0.001
FIRST_IN_TURN = threading.Lock()  # held by who asks for the write lock, not by who has it

# Set while a request that cannot write is answered: SQLite has one write lock for everybody.
reads_only: ContextVar[bool] = ContextVar("reads_only", default=False)


def prepare(engine: Engine, *, foreign_keys: bool = True) -> Engine:
    """Give an engine for SQLite its pragmas and explicit transactions.

    Of one for PostgreSQL the connections are looked at before they are used again.
    """
    if engine.dialect.name == "sqlite":
        keys = "ON" if foreign_keys else "OFF"
        event.listen(engine, "connect", lambda connection, _: _set_pragmas(connection, keys))
        event.listen(engine, "begin", _begin)
    else:
        event.listen(engine, "checkin", _note_use)
        event.listen(engine, "checkout", partial(_see_whether_it_lives, engine.dialect))
    return engine


def _note_use(connection: DBAPIConnection, entry: ConnectionPoolEntry) -> None:
    entry.info[USED] = time.monotonic()


def _see_whether_it_lives(
    dialect: Dialect, connection: Any, entry: ConnectionPoolEntry, proxy: object
) -> None:
    """Ping a connection that was idle; the pool makes a new one for one that is gone.

    A ping is one more way to the server and back. To a connection that was in use a moment ago a
    server that goes has said so: something has been sent.
    """
    idle = time.monotonic() - entry.info.get(USED, time.monotonic())
    if idle < PING_AFTER_S and not _has_been_sent_to(connection):
        return
    try:
        dialect.do_ping(connection)
    except dialect.loaded_dbapi.Error as gone:
        raise InvalidatePoolError from gone


def _has_been_sent_to(connection: Any) -> bool:
    waiting = poll()
    waiting.register(connection, POLLIN)
    return bool(waiting.poll(0))


def _set_pragmas(connection: DBAPIConnection, foreign_keys: str) -> None:
    cursor = connection.cursor()
    cursor.execute("PRAGMA busy_timeout = 5000")
    mode: Any = cursor.execute("PRAGMA journal_mode = WAL").fetchone()
    if mode != ("wal",):
        raise sqlite3.OperationalError(f"the disk refuses write-ahead logging ({mode[0]})")
    # With WAL and NORMAL a loss of power may take back a commit that was acknowledged.
    cursor.execute("PRAGMA synchronous = FULL")
    cursor.execute(f"PRAGMA foreign_keys = {foreign_keys}")
    cursor.close()


def _begin(connection: Connection) -> None:
    if reads_only.get():
        connection.exec_driver_sql("BEGIN")
    else:
        # A deferred transaction that turns to writing fails at once when another one has written.
        _begin_in_turn(connection)


def _begin_in_turn(connection: Connection) -> None:
    """Begin to write when nobody else does, and before those who came later.

    Left alone, SQLite asks for its write lock less and less often, ten times a second in the end,
    so that those who came last overtake those who have waited longest. Here one thread of a process
    asks, a thousand times a second, and the others queue behind it. Raises OperationalError after
    the connection's busy time-out.
    """
    with _answering_at_once(connection) as patience_s:
        ends = time.monotonic() + patience_s
        is_first = FIRST_IN_TURN.acquire(timeout=patience_s)
        try:
            while not _has_begun(connection, ends):
                time.sleep(PAUSE_S)
        finally:
            if is_first:
                FIRST_IN_TURN.release()


@contextmanager
def _answering_at_once(connection: Connection) -> Iterator[float]:
    """Let SQLite not wait in the block; gives for how many seconds it would wait else."""
    driver: Any = connection.connection.driver_connection
    (patience_ms,) = driver.execute("PRAGMA busy_timeout").fetchone()
    driver.execute("PRAGMA busy_timeout = 0")
    try:
        yield patience_ms / 1000
    finally:
        driver.execute(f"PRAGMA busy_timeout = {patience_ms}")


def _has_begun(connection: Connection, ends: float) -> bool:
    try:
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    except OperationalError as error:
        if sqlite_code(error) != sqlite3.SQLITE_BUSY or time.monotonic() > ends:
            raise
        return False
    return True


def sqlite_code(error: Exception) -> int:
    """The primary code of an error on SQLite; 0, which means none, on PostgreSQL.

    See https://www.sqlite.org/rescode.html: the rest of an extended code tells which part it was.
    """
    driver_error = getattr(error, "orig", None)
    return (getattr(driver_error, "sqlite_errorcode", None) or sqlite3.SQLITE_OK) & 0xFF
