"""The direct way to the database: the engine that migrates, and what is said where it fails."""

from alembic.util import CommandError
from flask import current_app
from sqlalchemy import URL, Engine, NullPool, create_engine
from sqlalchemy.exc import DBAPIError

from bookshelf.core.connections import prepare
from bookshelf.schema import pooler

# A pooler refuses start-up options, so asking for them finds it before anything is changed. Limits
# of the role would end a revision that may take its time.
START_UP_OPTIONS = (
    "-c lock_timeout={lock_timeout_ms} -c statement_timeout=0"
    " -c idle_in_transaction_session_timeout=0"
)


def engine_for(url: URL, patience: int = 15) -> Engine:
    """An engine that migrates: a connection of its own each time, no foreign keys on SQLite.

    There a changed table is built anew, and dropping the old one would take the rows of other
    tables that refer to it. `patience` is in seconds, until a server has to have answered. Raises
    CommandError for the URL of a pooler that can be known by its name.
    """
    if pooler.is_named_pooler(url):
        raise CommandError(_through_a_pooler(pooler.BY_NAME))
    engine = create_engine(url, poolclass=NullPool, connect_args=_connect_args(url, patience))
    return prepare(engine, foreign_keys=False)


def _connect_args(url: URL, patience: int) -> dict[str, object]:
    if url.get_backend_name() == "sqlite":
        return {"isolation_level": None}
    given, timeout = url.query.get("options", ""), current_app.config["MIGRATION_LOCK_TIMEOUT_MS"]
    return {
        "options": f"{given} {START_UP_OPTIONS.format(lock_timeout_ms=timeout)}".strip(),
        "application_name": "bookshelf-migrate",
        "connect_timeout": patience,
    }


def refuse_pooler(engine: Engine) -> None:
    """Raise CommandError if a pooler in transaction mode answers, DBAPIError if nobody does."""
    if why := pooler.reason(engine):
        raise CommandError(_through_a_pooler(why))


def in_one_line(error: DBAPIError) -> str:
    """What the database said, as one line; a pooler's refusal in our words."""
    said = str(error.orig).strip()
    if pooler.START_UP_REFUSED in said:
        return _through_a_pooler(pooler.BY_REFUSAL)
    return " ".join(said.split())


def _through_a_pooler(why: str) -> str:
    source = current_app.config["DATABASE_SOURCES"]["migrating"]
    return (
        f"the URL for migrating ({source}) leads to a connection pooler, which loses locks and "
        f"settings ({why}): set DATABASE_URL_UNPOOLED to the direct URL"
    )
