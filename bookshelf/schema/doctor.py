"""What `flask doctor` finds: each role of the database, and where code and database stand."""

from collections.abc import Iterator
from typing import NamedTuple

from alembic.util import CommandError
from flask import current_app
from sqlalchemy import URL, Connection, Engine, make_url, text
from sqlalchemy.exc import DBAPIError

from bookshelf.core.db import db
from bookshelf.schema import revisions, runner


class Finding(NamedTuple):
    """One line of the report, and whether it tells of trouble."""

    line: str
    trouble: bool = False


def findings() -> Iterator[Finding]:
    """Examine the serving role, the migrating role, and the revisions, in this order."""
    serving = make_url(current_app.config["SQLALCHEMY_DATABASE_URI"])
    migrating = make_url(current_app.config["MIGRATING_URL"])
    yield from _role("serving", serving)
    yield from _role("migrating", migrating)
    yield from _revisions(migrating)


def _role(role: str, url: URL) -> Iterator[Finding]:
    source = current_app.config["DATABASE_SOURCES"][role]
    yield Finding(f"{role:<10} {url.render_as_string(hide_password=True)}")
    yield Finding(f"{'':<10} from {source}")
    try:
        with _engine(role, url).connect() as connection:
            yield Finding(f"{'':<10} {_kind(url)}, reachable, {_server(connection)}")
    except (DBAPIError, CommandError) as error:
        yield Finding(f"{'':<10} {_kind(url)}, TROUBLE: {_reason(error)}", trouble=True)


def _revisions(migrating: URL) -> Iterator[Finding]:
    code = revisions.in_words(revisions.heads_of_code())
    try:
        with runner.engine_for(migrating).connect() as connection:
            database = revisions.in_words(revisions.heads_of_database(connection))
            behind = revisions.is_behind(connection)
    except (DBAPIError, CommandError):
        yield Finding(f"{'revision':<10} database unknown, code {code}", trouble=True)
        return
    remedy = ", TROUBLE: run `flask db upgrade`" if behind else ""
    yield Finding(f"{'revision':<10} database {database}, code {code}{remedy}", trouble=behind)


def _engine(role: str, url: URL) -> Engine:
    return db.engine if role == "serving" else runner.engine_for(url)


def _kind(url: URL) -> str:
    if url.get_backend_name() == "sqlite":
        return "a file"
    return "pooled" if runner.is_pooled(url) or runner.refuses_options(url) else "direct"


def _server(connection: Connection) -> str:
    if connection.dialect.name == "sqlite":
        return f"SQLite {connection.scalar(text('SELECT sqlite_version()'))}"
    return f"PostgreSQL {connection.scalar(text('SHOW server_version'))}"


def _reason(error: DBAPIError | CommandError) -> str:
    return runner.in_one_line(error) if isinstance(error, DBAPIError) else str(error)
