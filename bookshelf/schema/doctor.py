"""What `flask doctor` finds: each role of the database, and where code and database stand."""

from collections.abc import Iterator
from typing import NamedTuple

from alembic.util import CommandError
from flask import current_app
from sqlalchemy import URL, Connection, Engine, NullPool, create_engine, make_url, text
from sqlalchemy.exc import DBAPIError

from bookshelf.core.connections import prepare
from bookshelf.schema import direct, inspection, pooler, revisions
from bookshelf.schema.findings import Finding

PATIENCE_S = 5  # somebody is waiting for the report


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
        """Three findings; afterwards it is known where the database stands, if it answers."""
        yield Finding(self.name, self.url.render_as_string(hide_password=True))
        yield Finding(self.name, f"from {self.source}")
        try:
            with self.connect() as connection:
                heads = revisions.heads_of_database(connection)
                self.standing = Standing(heads, revisions.is_behind(connection))
                yield Finding(self.name, f"{self._kind()}, reachable, {_server(connection)}")
        except CommandError as error:
            yield Finding(self.name, self._kind(), str(error))
        except DBAPIError as error:
            yield Finding(self.name, trouble=direct.in_one_line(error))

    def connect(self) -> Connection:
        """Connect as this role does. Raises DBAPIError, and CommandError for a pooler."""
        if self.name == "serving":
            return serving_engine(PATIENCE_S).connect()
        engine = direct.engine_for(self.url, patience=PATIENCE_S)
        direct.refuse_pooler(engine)
        return engine.connect()

    def _kind(self) -> str:
        """How the URL leads to the database, as far as that can be found out."""
        if self.url.get_backend_name() == "sqlite":
            return "a file"
        if pooler.is_named_pooler(self.url):
            return f"pooled ({pooler.BY_NAME})"
        try:
            why = pooler.reason(direct.engine_for(self.url, patience=PATIENCE_S))
        except DBAPIError:
            why = None
        return f"pooled ({why})" if why else "direct"


def serving_engine(patience: int) -> Engine:
    """An engine beside the pool, whose server has to answer within `patience` seconds."""
    options = current_app.config["SQLALCHEMY_ENGINE_OPTIONS"]["connect_args"]
    waiting = {"connect_timeout": patience} if "connect_timeout" in options else {}
    url = current_app.config["SQLALCHEMY_DATABASE_URI"]
    return prepare(create_engine(url, poolclass=NullPool, connect_args=options | waiting))


def findings() -> Iterator[Finding]:
    """Examine the serving role, the migrating role, the revisions, and the database itself."""
    serving = Role("serving", make_url(current_app.config["SQLALCHEMY_DATABASE_URI"]))
    migrating = Role("migrating", make_url(current_app.config["MIGRATING_URL"]))
    yield from serving.findings()
    yield from migrating.findings()
    yield _revisions(serving.standing, migrating.standing)
    if migrating.standing:
        yield from _inside(migrating, migrating.standing)


def _inside(role: Role, standing: Standing) -> Iterator[Finding]:
    comparable = set(standing.heads) == set(revisions.heads_of_code())
    try:
        with role.connect() as connection:
            yield from inspection.findings(connection, comparable=comparable)
    except DBAPIError as error:
        yield Finding("inside", trouble=direct.in_one_line(error))


def _revisions(serving: Standing | None, migrating: Standing | None) -> Finding:
    code = revisions.in_words(revisions.heads_of_code())
    if not migrating:
        return Finding("revision", f"database unknown, code {code}")
    said = f"database {revisions.in_words(migrating.heads)}, code {code}"
    if revisions.is_newer(migrating.heads):
        said = f"database {revisions.standing_in_words(migrating.heads)}"
    if serving and serving.heads != migrating.heads:
        served = revisions.in_words(serving.heads)
        trouble = f"what serves is at {served}; do both URLs lead to the same database?"
        return Finding("revision", said, trouble)
    return Finding("revision", said, "run `flask db upgrade`" if migrating.behind else "")


def _server(connection: Connection) -> str:
    if connection.dialect.name == "sqlite":
        return f"SQLite {connection.scalar(text('SELECT sqlite_version()'))}"
    return f"PostgreSQL {connection.scalar(text('SHOW server_version'))}"
