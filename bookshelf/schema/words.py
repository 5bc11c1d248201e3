"""What an operation of a revision does, in words: "adds authors.country"."""

from collections.abc import Iterable
from functools import singledispatch
from typing import Any

from alembic.operations import MigrateOperation, ops
from sqlalchemy import String

from bookshelf.schema.operations import CreateIndexConcurrentlyOp, DropIndexConcurrentlyOp

LONGEST_SQL = 80
CONSTRAINTS = {"foreignkey": "foreign key", "unique": "unique constraint", "check": "check"}


@singledispatch
def in_words(operation: MigrateOperation) -> str:
    """One sentence without its end; an operation that nobody has described is named."""
    return f"runs {type(operation).__name__.removesuffix('Op')}"


@in_words.register
def _(operation: ops.CreateTableOp) -> str:
    names = (column.name for column in operation.to_table().columns)
    return f"creates the table {operation.table_name} ({', '.join(names)})"


@in_words.register
def _(operation: ops.DropTableOp) -> str:
    return f"drops the table {operation.table_name}"


@in_words.register
def _(operation: ops.RenameTableOp) -> str:
    return f"renames the table {operation.table_name} to {operation.new_table_name}"


@in_words.register
def _(operation: ops.AddColumnOp) -> str:
    return f"adds {operation.table_name}.{operation.column.name}"


@in_words.register
def _(operation: ops.DropColumnOp) -> str:
    return f"drops {operation.table_name}.{operation.column_name}"


@in_words.register
def _(operation: ops.AlterColumnOp) -> str:
    name = f"{operation.table_name}.{operation.column_name}"
    changes = []
    if operation.modify_type is not None:
        changes.append(_type(name, operation.existing_type, operation.modify_type))
    if operation.modify_nullable is not None:
        changes.append(f"{'allows' if operation.modify_nullable else 'forbids'} an empty {name}")
    if operation.modify_server_default is None:
        changes.append(f"removes the default of {name}")
    elif operation.modify_server_default is not False:
        changes.append(f"changes the default of {name}")
    if operation.modify_name:
        changes.append(f"renames {name} to {operation.table_name}.{operation.modify_name}")
    return ", ".join(changes) or f"changes {name}"


@in_words.register
def _(operation: ops.CreateIndexOp) -> str:
    kind = "unique index" if operation.unique else "index"
    on = f"on {operation.table_name} ({_listed(operation.columns)})"
    return f"adds the {kind} {operation.index_name} {on}"


@in_words.register
def _(operation: CreateIndexConcurrentlyOp) -> str:
    on = f"on {operation.table_name} ({_listed(operation.columns)})"
    return f"adds the index {operation.index_name} {on} while people write"


@in_words.register
def _(operation: ops.DropIndexOp) -> str:
    return f"drops the index {operation.index_name}"


@in_words.register
def _(operation: DropIndexConcurrentlyOp) -> str:
    return f"drops the index {operation.index_name} while people write"


@in_words.register
def _(operation: ops.CreatePrimaryKeyOp) -> str:
    return f"makes {_listed(operation.columns)} the primary key of {operation.table_name}"


@in_words.register
def _(operation: ops.CreateUniqueConstraintOp) -> str:
    return f"forbids the same {_listed(operation.columns)} twice in {operation.table_name}"


@in_words.register
def _(operation: ops.CreateForeignKeyOp) -> str:
    refers = f"{operation.source_table}.{_listed(operation.local_cols)}"
    return f"has {refers} refer to {operation.referent_table}.{_listed(operation.remote_cols)}"


@in_words.register
def _(operation: ops.CreateCheckConstraintOp) -> str:
    return f"checks {operation.constraint_name} in {operation.table_name}: {operation.condition}"


@in_words.register
def _(operation: ops.DropConstraintOp) -> str:
    kind = CONSTRAINTS.get(operation.constraint_type or "", "constraint")
    return f"drops the {kind} {operation.constraint_name} of {operation.table_name}"


@in_words.register
def _(operation: ops.ExecuteSQLOp) -> str:
    sql = " ".join(str(operation.sqltext).split())
    return f"runs SQL of its own: {sql if len(sql) <= LONGEST_SQL else sql[:LONGEST_SQL] + '…'}"


@in_words.register
def _(operation: ops.BulkInsertOp) -> str:
    return f"adds {len(operation.rows):,} rows to {operation.table.name}"


def flat(operations: Iterable[MigrateOperation]) -> list[MigrateOperation]:
    """The operations that a comparison found, those upon one table no longer held together."""
    found: list[MigrateOperation] = []
    for operation in operations:
        inner = operation.ops if isinstance(operation, ops.ModifyTableOps) else None
        found += [operation] if inner is None else flat(inner)
    return found


def _type(name: str, old: Any, new: Any) -> str:
    lengths = [kind.length if isinstance(kind, String) else None for kind in (old, new)]
    before, after = lengths
    if before and after:
        change = "longer" if after > before else "shorter"
        return f"makes {name} {change}: {before} → {after}"
    was = f" from {old}" if old is not None else ""
    return f"changes the type of {name}{was} to {new}"


def _listed(columns: Iterable[Any]) -> str:
    return ", ".join(str(getattr(column, "name", None) or column) for column in columns)
