"""One spelling for both databases: a revision written on SQLite reads as one from PostgreSQL."""

import re
from typing import Any, Literal

from alembic.autogenerate.api import AutogenContext
from alembic.operations.ops import (
    AlterColumnOp,
    CreateCheckConstraintOp,
    CreateIndexOp,
    CreateUniqueConstraintOp,
    DropColumnOp,
    DropIndexOp,
    MigrateOperation,
)
from alembic.runtime.migration import MigrationContext
from sqlalchemy import (
    TEXT,
    VARCHAR,
    Column,
    DefaultClause,
    MetaData,
    String,
    TextClause,
    false,
    true,
)
from sqlalchemy.types import TypeDecorator, TypeEngine

MOMENT = "sa.DateTime(timezone=True)"
# What each database calls the types that it reflects; those it calls alike stand as they are.
SPELLING = {
    "TIMESTAMP": MOMENT,
    "DATETIME": MOMENT,
    "JSON": "sa.JSON()",
    "BYTEA": "sa.LargeBinary()",
    "BLOB": "sa.LargeBinary()",
    "DOUBLE": "sa.Double()",
    "DOUBLE_PRECISION": "sa.Double()",
    "FLOAT": "sa.Double()",
}
CONSTANTS: dict[type, str] = {type(false()): "false", type(true()): "true"}
SAME_AS = {"false": {"false", "0"}, "true": {"true", "1"}}
# PostgreSQL tells the type of a literal, in a way that SQLite does not read.
LITERAL_WITH_CAST = re.compile(r"('(?:[^']|'')*')(?:\\?:){2}[\w .\"]+(?:\([\d, ]+\))?")
PLAIN = re.compile(r"'(?:[^']|'')*'|[-+\w.]+|\(.*\)")  # SQLite wants all else in parentheses


def render_item(kind: str, item: object, autogen: AutogenContext) -> str | Literal[False]:
    """The source of a type or a server default, or False where Alembic's own serves both."""
    if kind == "type" and isinstance(item, TypeEngine):
        return _render_type(item)
    if kind == "server_default" and isinstance(item, DefaultClause):
        return _render_default(item)
    return False


def _render_type(type_: TypeEngine[Any]) -> str | Literal[False]:
    """A type of ours is written as the one that it stores: a revision imports nothing of ours."""
    if isinstance(type_, TypeDecorator):
        return f"sa.{type_.impl_instance!r}"
    if isinstance(type_, VARCHAR | TEXT) and type_.collation:  # as PostgreSQL reflects it
        collated = String(type_.length, collation=type_.collation)
        return f"sa.{String(type_.length)!r}.with_variant(sa.{collated!r}, 'postgresql')"
    return SPELLING.get(type_.__visit_name__, False)


def _render_default(default: DefaultClause) -> str | Literal[False]:
    if constant := CONSTANTS.get(type(default.arg)):
        return f"sa.text({constant!r})"  # sa.false() is 0 on SQLite, and PostgreSQL has no such 0
    if not isinstance(default.arg, TextClause):
        return False
    said = default.arg.text
    if literal := LITERAL_WITH_CAST.fullmatch(said):
        said = literal[1]
    return f"sa.text({said if PLAIN.fullmatch(said) else f'({said})'!r})"


def server_defaults_differ(
    context: MigrationContext,
    inspected: Column[Any],
    column: Column[Any],
    inspected_default: str | None,
    default: DefaultClause | None,
    rendered_default: str | None,
) -> bool | None:
    """Whether a model's sa.true() or sa.false() is not what stands there; None: let Alembic see."""
    constant = CONSTANTS.get(type(default.arg)) if isinstance(default, DefaultClause) else None
    if constant is None or inspected_default is None:
        return None
    return inspected_default.strip("()'").lower() not in SAME_AS[constant]


def tidy(operation: MigrateOperation, models: MetaData) -> None:
    """Take out of an operation what only one of the databases says of a column."""
    if isinstance(operation, DropColumnOp):
        operation.to_column().autoincrement = "auto"  # PostgreSQL says of every column whether
    elif isinstance(operation, AlterColumnOp) and operation.modify_type is None:
        table = models.tables.get(operation.table_name)
        if table is not None and operation.column_name in table.columns:
            operation.existing_type = table.columns[operation.column_name].type


def leave_out_defaults(operation: MigrateOperation) -> None:
    """Take out what PostgreSQL says of every index and every unique constraint: the usual."""
    if isinstance(operation, CreateIndexOp | DropIndexOp | CreateUniqueConstraintOp):
        usual = [name for name, value in operation.kw.items() if value in (False, [], "btree")]
        for name in usual:
            del operation.kw[name]
    if isinstance(operation, CreateIndexOp):
        operation.unique = bool(operation.unique)  # SQLite says 1 or 0


def spell_not_valid(operation: MigrateOperation) -> None:
    """Let the way back of a check that falls say NOT VALID as it is written, not as reflected."""
    if isinstance(operation, CreateCheckConstraintOp) and operation.kw.pop("not_valid", False):
        operation.kw["postgresql_not_valid"] = True
