"""Writing single records by one statement each.

The unit of work of SQLAlchemy, made for many objects that hang together, takes longer for a single
one than the database does.
"""

from functools import cache
from typing import Any, TypeVar

from sqlalchemy import Table, bindparam, insert, update
from sqlalchemy.orm import make_transient_to_detached
from sqlalchemy.orm.attributes import set_committed_value
from sqlalchemy.sql.dml import ReturningInsert, ReturningUpdate

from bookshelf.core.db import Record, db, now
from bookshelf.core.problems import Stale

R = TypeVar("R", bound=Record)


def add(record: Record) -> None:
    """Insert a new record, which has its id afterwards; after a rollback it is of no use.

    Raises IntegrityError for a constraint that it breaks.
    """
    record.created_at = record.updated_at = now()
    record.version = 1
    inserted = db.session.connection().execute(_insertion(_table(record)), _values(record))
    record.id = inserted.scalar_one()
    make_transient_to_detached(record)
    db.session.add(record)


def change(record: R, wanted: R) -> None:
    """Make a stored record what is wanted; that one is only read.

    Raises Stale where its row was changed or deleted since it was read, and IntegrityError.
    """
    values = {
        name: value for name, value in _values(wanted).items() if value != getattr(record, name)
    }
    if not values:
        return
    values |= {"updated_at": now(), "version": record.version + 1}
    row = {"its_id": record.id, "its_version": record.version}
    if db.session.connection().execute(_update(_table(record)), values | row).first() is None:
        raise Stale
    for name, value in values.items():
        set_committed_value(record, name, value)


def _values(record: Record) -> dict[str, Any]:
    """What a new record has in its columns, which attributes are called like."""
    record.derive()
    columns = _table(record).c
    return {name: value for name, value in vars(record).items() if name in columns}


def _table(record: Record) -> Table:
    return record.metadata.tables[record.__tablename__]


@cache
def _insertion(table: Table) -> ReturningInsert[int]:
    return insert(table).returning(table.c.id)


@cache
def _update(table: Table) -> ReturningUpdate[int]:
    it = table.c.id == bindparam("its_id"), table.c.version == bindparam("its_version")
    return update(table).where(*it).returning(table.c.id)
