"""What `flask doctor` finds: each role of the database, and where code and database stand."""

from collections.abc import Iterator
from typing import NamedTuple

from alembic.util import CommandError
from flask import current_app
from sqlalchemy import URL, Connection, Engine, NullPool, create_engine, make_url, text
from sqlalchemy.exc import DBAPIError

from bookshelf.core.db import prepare
from bookshelf.schema import direct, pooler, revisions

PATIENCE_S = 5  # somebody is waiting for the report


class Finding(NamedTuple):
    """One line of the report, and whether it tells of trouble."""

    line: str
    trouble: bool = False


class Standing(NamedTuple):
    """Where the database of a role stands, and whether it lacks what the code needs."""

    heads: tuple[str, ...]
    behind: bool


class Role:
    """The database as it is reached for serving, or for migrating."""

    def __init__(self, name: str, url: URL) -> None:
        self.name = name
        self.url = url
        self.source = current_app.config["DATABASE_SOURCES"][name]
        self.standing: Standing | None = None

    def findings(self) -> Iterator[Finding]:
        """Three lines; afterwards it is known where the database stands, if it answers."""
        yield Finding(f"{self.name:<10} {self.url.render_as_string(hide_password=True)}")
        yield Finding(f"{'':<10} from {self.source}")
        try:
            with self._connect() as connection:
                heads = revisions.heads_of_database(connection)
                self.standing = Standing(heads, revisions.is_behind(connection))
                kind = self._kind(_refuses_options(self.url))
                yield Finding(f"{'':<10} {kind}, reachable, {_server(connection)}")
        except (DBAPIError, CommandError) as error:
            kind = self._kind(pooler.START_UP_REFUSED in str(error))
            yield Finding(f"{'':<10} {kind}, TROUBLE: {_reason(error)}", trouble=True)

    def _connect(self) -> Connection:
        if self.name == "migrating":
            return direct.engine_for(self.url, patience=PATIENCE_S).connect()
        return serving_engine(PATIENCE_S).connect()

    def _kind(self, refuses_options: bool) -> str:
        if self.url.get_backend_name() == "sqlite":
            return "a file"
        return "pooled" if refuses_options or pooler.is_named_pooler(self.url) else "direct"


def serving_engine(patience: int) -> Engine:
    """An engine beside the pool, whose server has to answer within `patience` seconds."""
    options = current_app.config["SQLALCHEMY_ENGINE_OPTIONS"]["connect_args"]
    waiting = {"connect_timeout": patience} if "connect_timeout" in options else {}
    url = current_app.config["SQLALCHEMY_DATABASE_URI"]
    return prepare(create_engine(url, poolclass=NullPool, connect_args=options | waiting))


def findings() -> Iterator[Finding]:
    """Examine the serving role, the migrating role, and the revisions, in this order."""
    serving = Role("serving", make_url(current_app.config["SQLALCHEMY_DATABASE_URI"]))
    migrating = Role("migrating", make_url(current_app.config["MIGRATING_URL"]))
    yield from serving.findings()
    yield from migrating.findings()
    yield _revisions(serving.standing, migrating.standing)


def _revisions(serving: Standing | None, migrating: Standing | None) -> Finding:
    code = revisions.in_words(revisions.heads_of_code())
    if not migrating:
        return Finding(f"{'revision':<10} database unknown, code {code}", trouble=True)
    database = revisions.in_words(migrating.heads)
    line = f"{'revision':<10} database {database}, code {code}"
    if serving and serving.heads != migrating.heads:
        served = revisions.in_words(serving.heads)
        trouble = f"TROUBLE: what serves is at {served}; do both URLs lead to the same database?"
        return Finding(f"{line}, {trouble}", trouble=True)
    if migrating.behind:
        return Finding(f"{line}, TROUBLE: run `flask db upgrade`", trouble=True)
    return Finding(line)


def _refuses_options(url: URL) -> bool:
    """Whether the server refuses start-up options, as poolers in transaction mode do."""
    try:
        direct.engine_for(url).connect().close()
    except (DBAPIError, CommandError) as error:
        return pooler.START_UP_REFUSED in str(error)
    return False


def _server(connection: Connection) -> str:
    if connection.dialect.name == "sqlite":
        return f"SQLite {connection.scalar(text('SELECT sqlite_version()'))}"
    return f"PostgreSQL {connection.scalar(text('SHOW server_version'))}"


def _reason(error: DBAPIError | CommandError) -> str:
    return direct.in_one_line(error) if isinstance(error, DBAPIError) else str(error)
