"""One migration at a time: who comes second waits, and is told for whom."""

import logging
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from typing import Any

from alembic import context
from alembic.util import CommandError
from sqlalchemy import Connection, func, select, text
from sqlalchemy.exc import DBAPIError, OperationalError

PAUSE_S = 0.2
KEY = 0x626F6F6B  # "book"; advisory locks are told apart by a number, within one database
TAKE = select(func.pg_try_advisory_lock(KEY))
GIVE_BACK = select(func.pg_advisory_unlock(KEY))
HOLDER = text(
    "SELECT 'pid ' || pid || coalesce(' from ' || host(client_addr), '')"
    " || ', connected since ' || to_char(backend_start AT TIME ZONE 'UTC', 'HH24:MI:SS') || ' UTC'"
    " FROM pg_locks JOIN pg_stat_activity USING (pid) WHERE locktype = 'advisory' AND granted"
    " AND classid = 0 AND objid = :key AND objsubid = 1 AND datname = current_database()"
).bindparams(key=KEY)

log = logging.getLogger(__name__)


@contextmanager
def alone(connection: Connection, wait_s: float) -> Iterator[None]:
    """Hold PostgreSQL's lock of migrations during the block; it ends with the connection, too.

    It is asked for in short transactions: one that waited inside a statement would keep a snapshot,
    for which `CREATE INDEX CONCURRENTLY` waits in turn. Raises CommandError after `wait_s` seconds.
    """
    waited_for, deadline = "", time.monotonic() + wait_s
    while not _answer(connection, TAKE):
        holder = _answer(connection, HOLDER) or waited_for
        if time.monotonic() > deadline:
            raise CommandError(
                f"another migration did not end within {wait_s:g} s ({holder}); nothing was changed"
            )
        if holder != waited_for:
            log.info("waiting for another migration to end: %s", holder)
        waited_for = holder
        time.sleep(PAUSE_S)
    try:
        yield
    finally:
        with suppress(DBAPIError):
            connection.rollback()
            _answer(connection, GIVE_BACK)


def _answer(connection: Connection, statement: Any) -> Any:
    """What a statement gives, in a transaction of its own."""
    with connection.begin():
        return connection.scalar(statement)


def write_transaction(wait_s: float) -> AbstractContextManager[Any]:
    """Begin Alembic's transaction on SQLite, whose one write lock lets one process in.

    Raises OperationalError if it was not to be had for `wait_s` seconds; each try waits for as long
    as the connection's busy time-out.
    """
    deadline = time.monotonic() + wait_s
    while True:
        try:
            return context.begin_transaction()
        except OperationalError as error:
            if "locked" not in str(error.orig) or time.monotonic() > deadline:
                raise
            log.info("waiting for another process, which writes to the database")
