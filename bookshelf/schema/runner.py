"""How a migration runs: alone, briefly, on the direct URL, and losing nothing."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from logging.config import fileConfig
from typing import Any

from alembic import context
from alembic.runtime.migration import RevisionStep
from alembic.util import CommandError
from flask import current_app, has_app_context
from sqlalchemy import URL, Connection, Engine, make_url
from sqlalchemy.exc import DBAPIError

from bookshelf.core.connections import reads_only
from bookshelf.core.db import db
from bookshelf.schema import (
    backups,
    direct,
    lock,
    losses,
    patience,
    revisions,
    sqlite,
    steps,
    writing,
)


def run() -> None:
    """Do what Alembic was asked for; `migrations/env.py` calls nothing else.

    Raises CommandError, which `flask db` prints as one line, for whatever a person can mend.
    """
    if not has_app_context():
        raise CommandError("bare `alembic` does not know the app: run `flask db ...` instead")
    if context.config.config_file_name:
        fileConfig(context.config.config_file_name, disable_existing_loggers=False)
    with steps.ONE_AT_A_TIME:
        if context.is_offline_mode():
            _write_sql(make_url(current_app.config["MIGRATING_URL"]))
        else:
            _go_online()


def _write_sql(url: URL) -> None:
    context.configure(url=url, literal_binds=True, **_options())
    with context.begin_transaction():
        context.run_migrations()


def _go_online() -> None:
    engine = context.config.attributes.get("connection")  # A test may bring its own.
    token = reads_only.set(not _changes_the_schema())
    try:
        if engine is None:
            engine = direct.engine_for(make_url(current_app.config["MIGRATING_URL"]))
            direct.refuse_pooler(engine)
        _run_on(engine)
    except DBAPIError as error:
        raise CommandError(direct.in_one_line(error)) from error
    finally:
        reads_only.reset(token)


def _run_on(engine: Engine) -> None:
    with engine.connect() as connection, _naming_what_is_newer(connection):
        if not _changes_the_schema() or connection.in_transaction():
            _run_plainly(connection)
        elif connection.dialect.name == "sqlite":
            _migrate_sqlite(connection)
        else:
            _migrate_postgresql(connection)


@contextmanager
def _naming_what_is_newer(connection: Connection) -> Iterator[None]:
    """Say that a newer release was here, rather than that its revision cannot be located."""
    try:
        yield
    except CommandError as error:
        if "Can't locate revision" not in str(error):
            raise
        connection.rollback()
        heads = revisions.heads_of_database(connection)
        if not revisions.is_newer(heads):
            raise
        stands_at = revisions.standing_in_words(heads)
        raise CommandError(f"the database is at {stands_at}; use the newer release") from error


def _run_plainly(connection: Connection) -> None:
    """No lock is taken: nothing changes, or a test decides what becomes of its transaction."""
    reading = not _changes_the_schema()
    context.configure(
        connection=connection, transactional_ddl=True, **_options(dont_mutate=reading)
    )
    with context.begin_transaction(), writing.comparing():
        context.run_migrations()


def _migrate_sqlite(connection: Connection) -> None:
    """The whole run is one transaction: that is its lock, and undoes it as a whole."""
    context.configure(connection=connection, transactional_ddl=True, **_options())
    with (
        lock.write_transaction(current_app.config["MIGRATION_WAIT_S"]),
        sqlite.rebuilding_tables(connection),
    ):
        if _look_before(connection):
            backups.make(connection.engine.url)
        context.run_migrations()


def _migrate_postgresql(connection: Connection) -> None:
    """Each revision commits by itself, so that none holds its locks for longer than it needs."""
    config = current_app.config
    with lock.alone(connection, config["MIGRATION_WAIT_S"]):
        patience.insist(
            partial(_attempt_postgresql, connection),
            connection,
            attempts=config["MIGRATION_LOCK_ATTEMPTS"],
            lock_timeout_ms=config["MIGRATION_LOCK_TIMEOUT_MS"],
            is_relative=_is_relative(),
        )


def _attempt_postgresql(connection: Connection) -> None:
    """No transaction may be open before `configure`.

    Alembic would take it for somebody else's and never commit: it would say that revisions ran,
    and nothing of them would be there.
    """
    connection.rollback()
    context.configure(connection=connection, transaction_per_migration=True, **_options())
    _look_before(connection)
    connection.rollback()
    with context.begin_transaction():
        context.run_migrations()


def _look_before(connection: Connection) -> bool:
    """Whether there is something to run; raise CommandError if it would destroy data."""
    moves = list(_moves(connection))
    consented = losses.consents(context.get_x_argument(as_dictionary=False))
    if moves and losses.ALL not in consented:
        losses.refuse(steps.look_ahead(moves, connection), connection, consented)
    return bool(moves)


def _moves(connection: Connection) -> Iterator[steps.Move]:
    """What Alembic is about to run; `stamp` runs nothing."""
    migration = context.get_context()
    for step in migration.opts["fn"](revisions.heads_of_database(connection), migration):
        if isinstance(step, RevisionStep):
            yield steps.Move(step.revision, step.is_upgrade)


def _changes_the_schema() -> bool:
    """Whether the command has a revision to go to; the others only read."""
    try:
        context.get_revision_argument()
    except KeyError:
        return False
    return True


def _is_relative() -> bool:
    """Whether the way is given in steps, as in "-1" or "0003+2", rather than by where it ends."""
    destination = str(context.get_revision_argument())
    return "+" in destination or "-" in destination


def _options(**more: Any) -> dict[str, Any]:
    if not db.metadata.tables:
        raise CommandError("no models are known, so every table would seem to be superfluous")
    return {"target_metadata": db.metadata, **writing.options(), **more}
