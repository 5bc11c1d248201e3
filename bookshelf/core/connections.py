"""How connections to the database begin, and are looked at before they are used again."""

import sqlite3
import time
from contextvars import ContextVar
from functools import partial
from select import POLLIN, poll
from typing import Any

from sqlalchemy import Connection, Dialect, Engine, event
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import InvalidatePoolError
from sqlalchemy.pool import ConnectionPoolEntry

PING_AFTER_S = 1
USED = "used"  # in the notes on a connection: when it was given back, in seconds

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
    # A deferred transaction that turns to writing fails at once when another one has written.
    connection.exec_driver_sql("BEGIN" if reads_only.get() else "BEGIN IMMEDIATE")
