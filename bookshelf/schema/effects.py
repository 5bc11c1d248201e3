"""Which table an operation takes on PostgreSQL, with which lock, and whom that keeps waiting.

After "Explicit Locking" and the pages of the statements in PostgreSQL's manual. A lock is held
until its revision is committed. On SQLite there is one lock for everything.
"""

import re
from collections.abc import Iterable, Iterator
from functools import singledispatch
from typing import NamedTuple

from alembic.operations import MigrateOperation, ops
from sqlalchemy import Column, ForeignKey, ForeignKeyConstraint

from bookshelf.schema.operations import CreateIndexConcurrentlyOp, DropIndexConcurrentlyOp


class Lock(NamedTuple):
    """A lock, and what has to wait for it; the stronger of two is the greater."""

    strength: int
    name: str
    blocks: str


ROW_EXCLUSIVE = Lock(1, "ROW EXCLUSIVE", "nothing but writing the same rows")
SHARE_UPDATE_EXCLUSIVE = Lock(2, "SHARE UPDATE EXCLUSIVE", "nothing")
SHARE = Lock(3, "SHARE", "writing")
SHARE_ROW_EXCLUSIVE = Lock(4, "SHARE ROW EXCLUSIVE", "writing")
ACCESS_EXCLUSIVE = Lock(5, "ACCESS EXCLUSIVE", "reading and writing")
ON_SQLITE = Lock(5, "the one write lock", "writing in every table")

Taken = Iterator[tuple[str, Lock]]

STATEMENTS = {
    r"(CREATE (UNIQUE )?|DROP |RE)INDEX .*?\bCONCURRENTLY\b": SHARE_UPDATE_EXCLUSIVE,
    r"ALTER TABLE .*\bVALIDATE CONSTRAINT\b": SHARE_UPDATE_EXCLUSIVE,
    r"ANALYZE|VACUUM(?! FULL)|COMMENT ON": SHARE_UPDATE_EXCLUSIVE,
    r"CREATE (UNIQUE )?INDEX": SHARE,
    r"ALTER TABLE .*\bADD .*\bFOREIGN KEY\b|CREATE .*\bTRIGGER\b": SHARE_ROW_EXCLUSIVE,
    r"ALTER|DROP|TRUNCATE|LOCK|CLUSTER|VACUUM|REINDEX": ACCESS_EXCLUSIVE,
    r"UPDATE|INSERT|DELETE|MERGE|COPY|WITH": ROW_EXCLUSIVE,
}
# What may be the name of a table; one that only looks like it is not there.
NAMED = re.compile(
    r"\b(?:UPDATE|INTO|FROM|TABLE|ON|COPY|VACUUM|ANALYZE)\s+"
    r'(?=(?:IF\s+EXISTS\s+|ONLY\s+)?(?:"?public"?\.)?"?(\w+))',
    re.IGNORECASE,
)


@singledispatch
def locks(operation: MigrateOperation) -> Taken:
    """Each table that an operation takes, with its lock; a table may not be there (yet).

    What has no rule of its own alters a table, and keeps everybody out.
    """
    if table := getattr(operation, "table_name", None):
        yield table, ACCESS_EXCLUSIVE


@locks.register
def _(operation: ops.CreateTableOp) -> Taken:
    """What a new table refers to gets triggers."""
    for item in operation.columns:
        for key in _foreign_keys(item):
            yield key.target_fullname.split(".")[0], SHARE_ROW_EXCLUSIVE


def _foreign_keys(item: object) -> Iterable[ForeignKey]:
    if isinstance(item, Column):
        return item.foreign_keys
    return item.elements if isinstance(item, ForeignKeyConstraint) else ()


@locks.register
def _(operation: ops.CreateForeignKeyOp) -> Taken:
    yield operation.source_table, SHARE_ROW_EXCLUSIVE
    yield operation.referent_table, SHARE_ROW_EXCLUSIVE


@locks.register
def _(operation: ops.CreateIndexOp) -> Taken:
    concurrently = operation.kw.get("postgresql_concurrently")
    yield operation.table_name, SHARE_UPDATE_EXCLUSIVE if concurrently else SHARE


@locks.register
def _(operation: ops.DropIndexOp) -> Taken:
    if operation.table_name:
        concurrently = operation.kw.get("postgresql_concurrently")
        yield operation.table_name, SHARE_UPDATE_EXCLUSIVE if concurrently else ACCESS_EXCLUSIVE


@locks.register(CreateIndexConcurrentlyOp)
@locks.register(DropIndexConcurrentlyOp)
def _(operation: CreateIndexConcurrentlyOp | DropIndexConcurrentlyOp) -> Taken:
    yield operation.table_name, SHARE_UPDATE_EXCLUSIVE


@locks.register
def _(operation: ops.BulkInsertOp) -> Taken:
    yield operation.table.name, ROW_EXCLUSIVE


@locks.register
def _(operation: ops.ExecuteSQLOp) -> Taken:
    for statement in str(operation.sqltext).split(";"):
        sql = " ".join(statement.split())
        for pattern, lock in STATEMENTS.items():
            if re.match(pattern, sql, re.IGNORECASE):
                yield from ((table, lock) for table in NAMED.findall(sql))
                break
