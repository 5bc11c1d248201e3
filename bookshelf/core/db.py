"""The database: the one `db`, and the base of every model."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, ClassVar

from flask_migrate import Migrate
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import (
    Connection,
    DateTime,
    Dialect,
    MetaData,
    Row,
    Select,
    String,
    event,
    text,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, Mapper, declared_attr, mapped_column
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

NONE = "none"  # in place of a value: what has none is meant


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
