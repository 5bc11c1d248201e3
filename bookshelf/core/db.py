"""The database: the one `db`, the base of every model, and how its connections begin."""

import sqlite3
import time
from collections.abc import Mapping
from contextvars import ContextVar
from datetime import UTC, datetime
from functools import partial
from select import POLLIN, poll
from typing import Any, ClassVar

from flask_migrate import Migrate
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import (
    Connection,
    DateTime,
    Dialect,
    Engine,
    MetaData,
    Row,
    Select,
    String,
    event,
    text,
)
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import InvalidatePoolError
from sqlalchemy.orm import DeclarativeBase, Mapped, Mapper, declared_attr, mapped_column
from sqlalchemy.pool import ConnectionPoolEntry
from sqlalchemy.types import TypeDecorator

NAMING_CONVENTION = {
    "ix": "ix_%(table_name)s_%(column_0_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}

AnyRow = Row[*tuple[Any, ...]]
AnySelect = Select[*tuple[Any, ...]]

PING_AFTER_S = 1
USED = "used"  # in the notes on a connection: when it was given back, in seconds

NONE = "none"  # in place of a value: what has none is meant

# Set while a request that cannot write is answered: SQLite has one write lock for everybody.
reads_only: ContextVar[bool] = ContextVar("reads_only", default=False)


class Model(DeclarativeBase):
    """The base of every model; constraints are named, so that their meanings can be listed.

    `SEARCHED` names the keys that a search reads, each with the table whose words it has, where
    words are kept; the first key is the one that rows sort by.
    """

    SEARCHED: ClassVar[Mapping[str, str]] = {"sort_key": ""}
    metadata = MetaData(naming_convention=NAMING_CONVENTION)

    def derive(self) -> None:
        """Fill the columns that follow from others, before a row is written; a model says how."""


@event.listens_for(Model, "before_insert", propagate=True)
@event.listens_for(Model, "before_update", propagate=True)
def _derive(mapper: Mapper[Model], connection: Connection, row: Model) -> None:
    row.derive()


# What was saved is known without asking again, even if somebody has deleted it since.
db = SQLAlchemy(model_class=Model, session_options={"expire_on_commit": False})
migrate = Migrate(db=db)


class UtcDateTime(TypeDecorator[datetime]):
    """An aware moment in UTC on both databases; SQLite stores and returns it without its zone."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Take an aware moment of any zone; a naive one raises ValueError."""
        if value is not None and value.tzinfo is None:
            raise ValueError(f"{value!r} has no time zone")
        return value and value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Give back an aware moment in UTC."""
        if value is not None and value.tzinfo is None:
            return value.replace(tzinfo=UTC)
        return value and value.astimezone(UTC)


def bytewise_string(length: int | None = None) -> String:
    """Text that PostgreSQL orders by its bytes, as SQLite and Python do; prefixes use its index."""
    return String(length).with_variant(String(length, collation="C"), "postgresql")


def now() -> datetime:
    """The present moment, aware, in UTC."""
    return datetime.now(UTC)


class Record(Model):
    """What every row that people edit has: an id never used twice, its times, its version."""

    __abstract__ = True

    id: Mapped[int] = mapped_column(primary_key=True, sort_order=-1)
    created_at: Mapped[datetime] = mapped_column(
        UtcDateTime, default=now, server_default=text("CURRENT_TIMESTAMP"), sort_order=1
    )
    updated_at: Mapped[datetime] = mapped_column(
        UtcDateTime,
        default=now,
        onupdate=now,
        server_default=text("CURRENT_TIMESTAMP"),
        sort_order=1,
    )
    version: Mapped[int] = mapped_column(server_default=text("1"), sort_order=1)

    @declared_attr.directive
    def __mapper_args__(cls) -> dict[str, Any]:  # noqa: N805
        return {"version_id_col": cls.version}


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
