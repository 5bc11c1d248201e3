"""How a migration runs: on the direct URL, never through a pooler, and losing nothing."""

from logging.config import fileConfig
from typing import Any

from alembic import context
from alembic.util import CommandError
from flask import current_app, has_app_context
from sqlalchemy import URL, Connection, Engine, NullPool, create_engine, make_url
from sqlalchemy.exc import DBAPIError

from bookshelf.core.db import db, prepare, reads_only
from bookshelf.schema import sqlite, writing

POOLER_LABEL = "-pooler"
START_UP_REFUSED = "unsupported startup parameter"
# A pooler refuses start-up options, so asking for them finds it before anything is changed.
START_UP_OPTIONS = "-c lock_timeout=2s -c statement_timeout=0"


def run() -> None:
    """Do what Alembic was asked for; `migrations/env.py` calls nothing else.

    Raises CommandError, which `flask db` prints as one line, for whatever a person can mend.
    """
    if not has_app_context():
        raise CommandError("bare `alembic` does not know the app: run `flask db ...` instead")
    if context.config.config_file_name:
        fileConfig(context.config.config_file_name, disable_existing_loggers=False)
    url = make_url(current_app.config["MIGRATING_URL"])
    if context.is_offline_mode():
        _write_sql(url)
    elif (given := context.config.attributes.get("connection")) is not None:
        _migrate_through(given)  # A test brings its own engine.
    else:
        _migrate_through(engine_for(url))


def engine_for(url: URL, patience: int = 15) -> Engine:
    """An engine that migrates: a connection of its own each time, no foreign keys on SQLite.

    There a changed table is built anew, and dropping the old one would take the rows of other
    tables that refer to it. `patience` is in seconds, until a server has to have answered. Raises
    CommandError for the URL of a pooler.
    """
    if is_pooled(url):
        raise CommandError(pooler_message())
    engine = create_engine(url, poolclass=NullPool, connect_args=_connect_args(url, patience))
    return prepare(engine, foreign_keys=False)


def _connect_args(url: URL, patience: int) -> dict[str, object]:
    if url.get_backend_name() == "sqlite":
        return {"isolation_level": None}
    given = url.query.get("options", "")
    return {
        "options": f"{given} {START_UP_OPTIONS}".strip(),
        "application_name": "bookshelf-migrate",
        "connect_timeout": patience,
    }


def is_pooled(url: URL) -> bool:
    """Whether the name of the host says that a pooler answers there, as Neon's do."""
    return (url.host or "").lower().split(".")[0].endswith(POOLER_LABEL)


def refuses_options(url: URL) -> bool:
    """Whether the server refuses start-up options, as poolers in transaction mode do."""
    try:
        engine_for(url).connect().close()
    except (DBAPIError, CommandError) as error:
        return START_UP_REFUSED in str(error)
    return False


def pooler_message() -> str:
    """Why migrating is refused, and what to do."""
    source = current_app.config["DATABASE_SOURCES"]["migrating"]
    return (
        f"the URL for migrating ({source}) leads to a connection pooler, which loses locks and "
        "settings: set DATABASE_URL_UNPOOLED to the direct URL"
    )


def in_one_line(error: DBAPIError) -> str:
    """What the database said, as one line; a pooler's refusal in our words."""
    said = str(error.orig).strip()
    if START_UP_REFUSED in said:
        return pooler_message()
    return " ".join(said.split())


def _write_sql(url: URL) -> None:
    context.configure(url=url, literal_binds=True, **_options())
    with context.begin_transaction():
        context.run_migrations()


def _migrate_through(engine: Engine) -> None:
    token = reads_only.set(not _changes_the_schema())
    try:
        with engine.connect() as connection:
            _migrate(connection)
    except DBAPIError as error:
        raise CommandError(in_one_line(error)) from error
    finally:
        reads_only.reset(token)


def _migrate(connection: Connection) -> None:
    """Run on this connection, on which nothing has run yet.

    A statement before `configure` would begin a transaction that Alembic takes for somebody
    else's and never commits. On PostgreSQL each revision commits by itself; on SQLite the whole
    run is one transaction, which is its lock as well.
    """
    is_sqlite = connection.dialect.name == "sqlite"
    context.configure(
        connection=connection,
        transactional_ddl=True,
        transaction_per_migration=not is_sqlite,
        **_options(),
    )
    with context.begin_transaction():
        if is_sqlite and _changes_the_schema():
            with sqlite.rebuilding_tables(connection):
                context.run_migrations()
        else:
            context.run_migrations()


def _changes_the_schema() -> bool:
    """Whether the command has a revision to go to; the others only read."""
    try:
        context.get_revision_argument()
    except KeyError:
        return False
    return True


def _options() -> dict[str, Any]:
    if not db.metadata.tables:
        raise CommandError("no models are known, so every table would seem to be superfluous")
    return {
        "target_metadata": db.metadata,
        "dont_mutate": not _changes_the_schema(),
    } | writing.options()
