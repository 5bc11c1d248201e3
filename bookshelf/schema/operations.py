"""Operations of our own on `op`, so that revisions import nothing: indexes built under traffic.

PostgreSQL builds such an index while rows are written, outside any transaction. What the revision
did before it is committed by then, so it is best alone in its revision. A build that was broken off
leaves an index that is kept up but never used (INVALID); the next run drops it and builds anew. On
SQLite, where nobody else writes during a migration, it is a plain index.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from alembic.operations import MigrateOperation, Operations
from sqlalchemy import TextClause, text

INVALID = text(
    "SELECT 1 FROM pg_index WHERE indexrelid = to_regclass(quote_ident(:name)) AND NOT indisvalid"
)


@Operations.register_operation("create_index_concurrently")
class CreateIndexConcurrentlyOp(MigrateOperation):
    """An index to be built while rows are read and written."""

    def __init__(
        self, name: str, table: str, columns: Sequence[str | TextClause], options: dict[str, Any]
    ) -> None:
        self.index_name = name
        self.table_name = table
        self.columns = columns
        self.options = options

    @classmethod
    def create_index_concurrently(
        cls,
        operations: Operations,
        index_name: str,
        table_name: str,
        columns: Sequence[str | TextClause],
        **options: Any,
    ) -> None:
        """Create an index; `options` are those of `op.create_index`, such as `unique`."""
        operations.invoke(cls(index_name, table_name, columns, options))

    def reverse(self) -> "DropIndexConcurrentlyOp":
        """Return what undoes it."""
        return DropIndexConcurrentlyOp(self.index_name, self.table_name)


@Operations.register_operation("drop_index_concurrently")
class DropIndexConcurrentlyOp(MigrateOperation):
    """An index to be dropped while rows are read and written."""

    def __init__(self, name: str, table: str) -> None:
        self.index_name = name
        self.table_name = table

    @classmethod
    def drop_index_concurrently(
        cls, operations: Operations, index_name: str, table_name: str
    ) -> None:
        """Drop an index of that table; one that is not there any more is no fault."""
        operations.invoke(cls(index_name, table_name))


@Operations.implementation_for(CreateIndexConcurrentlyOp)
def _create(operations: Operations, operation: CreateIndexConcurrentlyOp) -> None:
    name, table, columns = operation.index_name, operation.table_name, operation.columns
    if not _can_be_concurrent(operations):
        operations.create_index(name, table, columns, **operation.options)
        return
    with _without_transaction(operations):
        if _is_invalid(operations, name):
            _drop_on_postgresql(operations, name, table)
        operations.create_index(
            name,
            table,
            columns,
            if_not_exists=True,  # of a run that was killed before it was written down
            postgresql_concurrently=True,
            **operation.options,
        )


@Operations.implementation_for(DropIndexConcurrentlyOp)
def _drop(operations: Operations, operation: DropIndexConcurrentlyOp) -> None:
    name, table = operation.index_name, operation.table_name
    if not _can_be_concurrent(operations):
        operations.drop_index(name, table_name=table)
        return
    with _without_transaction(operations):
        _drop_on_postgresql(operations, name, table)


def _can_be_concurrent(operations: Operations) -> bool:
    """Not on SQLite, nor inside a transaction that is for others to end, as in a test."""
    context = operations.migration_context
    others = not context.as_sql and context._transaction is None
    return context.dialect.name == "postgresql" and not others


def _drop_on_postgresql(operations: Operations, name: str, table: str) -> None:
    operations.drop_index(name, table_name=table, if_exists=True, postgresql_concurrently=True)


@contextmanager
def _without_transaction(operations: Operations) -> Iterator[None]:
    """Outside a transaction, and patient: one that gave up would leave an INVALID index."""
    with operations.get_context().autocommit_block():
        operations.execute("SET lock_timeout = 0")
        yield
        operations.execute("RESET lock_timeout")


def _is_invalid(operations: Operations, name: str) -> bool:
    """Whether a build was broken off; not to be known where SQL is only written down."""
    connection = operations.get_context().connection
    if operations.get_context().as_sql or connection is None:
        return False
    return connection.scalar(INVALID, {"name": name}) is not None
