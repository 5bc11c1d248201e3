"""What `flask db migrate` writes: one revision for both databases, and no loss by accident."""

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import chain
from typing import Any

from alembic import context
from alembic.operations.ops import (
    DropColumnOp,
    DropConstraintOp,
    DropIndexOp,
    MigrateOperation,
    MigrationScript,
    ModifyTableOps,
    OpContainer,
    UpgradeOps,
)
from alembic.runtime.migration import MigrationContext
from alembic.util import CommandError
from sqlalchemy import Index, MetaData, Table
from sqlalchemy.exc import SAWarning
from sqlalchemy.schema import SchemaItem

from bookshelf.schema import portable, renames

# Passed over in silence: revision 0009 made them for a search, on PostgreSQL alone.
OF_NO_MODEL = ("words_of_authors", "words_of_books")
PLUGINS = ["alembic.autogenerate.*", "alembic.ext.checkconstraint_byname"]


def options() -> dict[str, Any]:
    """What `context.configure()` takes to compare and to write."""
    comparison = Comparison()
    return {
        "render_as_batch": True,
        "render_item": portable.render_item,
        "compare_type": True,
        "compare_server_default": portable.server_defaults_differ,
        "autogenerate_plugins": PLUGINS,
        "include_object": comparison.includes,
        "process_revision_directives": comparison.revise,
    }


@contextmanager
def comparing() -> Iterator[None]:
    """Say nothing of a check that is NOT VALID: SQLAlchemy 2.1 stumbles over it, yet goes on."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Can't validate argument", SAWarning)
        yield


class Comparison:
    """One comparison of the models with the database."""

    def __init__(self) -> None:
        self.left_alone: dict[str, str] = {}  # what is said of it, by its name

    def includes(
        self,
        item: SchemaItem,
        name: str | None,
        kind: str,
        reflected: bool,
        counterpart: SchemaItem | None,
    ) -> bool:
        """Whether a difference is one: a table or an index that no model names is left alone.

        What only one database has is raw DDL in a revision. So an index that a model gives to
        one database alone (`ddl_if`) is left to that too; Alembic would add it on the other.
        """
        if counterpart is not None or kind not in ("table", "index"):
            return True
        if reflected:
            self._note(item)
        return not reflected and getattr(item, "_ddl_if", None) is None

    def _note(self, item: SchemaItem) -> None:
        if isinstance(item, Table) and item.name not in OF_NO_MODEL:
            self.left_alone[item.name] = f'table {item.name}; op.drop_table("{item.name}") drops it'
        elif isinstance(item, Index) and _is_plain(item):
            table = item.table.name if item.table is not None else ""
            drop = f'op.drop_index("{item.name}", "{table}")'
            self.left_alone[str(item.name)] = f"index {item.name} on {table}; {drop} drops it"

    def revise(
        self, migration_context: MigrationContext, revision: object, scripts: list[MigrationScript]
    ) -> None:
        """Settle what may be a rename, put all in one order, and leave out an empty file."""
        if not getattr(context.config.cmd_opts, "autogenerate", False):
            return
        for script in scripts:
            if script.upgrade_ops is not None and script.downgrade_ops is not None:
                models = migration_context.opts["target_metadata"]
                renames.settle(migration_context, script.upgrade_ops, _answers())
                _tidy(script.upgrade_ops, models)
                script.upgrade_ops.reverse_into(script.downgrade_ops)
                _spell(script.upgrade_ops, script.downgrade_ops)
        self._report(scripts)

    def _report(self, scripts: list[MigrationScript]) -> None:
        dropped = {
            operation.index_name
            for script in scripts
            for operation in _within_tables(script.upgrade_ops)
            if isinstance(operation, DropIndexOp)
        }
        for name, said in self.left_alone.items():
            if name not in dropped:
                context.config.print_stdout(f"Left alone, as no model names it: {said}.")
        if all(script.upgrade_ops is None or script.upgrade_ops.is_empty() for script in scripts):
            scripts[:] = []
            context.config.print_stdout("The models and the database agree: nothing to migrate.")


def _answers() -> list[str]:
    """What was given as `-x rename=...`; raise CommandError for anything else that was."""
    given = [argument.partition("=") for argument in context.get_x_argument()]
    for name, _, value in given:
        if name != "rename" or not value:
            raise CommandError(
                f"-x {name}{value and '='}{value} is not known here; `flask db migrate` takes "
                f"-x rename=table.old:new and -x rename={renames.NO}"
            )
    return [value for _, _, value in given]


def _tidy(upgrade: UpgradeOps, models: MetaData) -> None:
    upgrade.ops[:] = [part for operation in upgrade.ops for part in _in_order(operation)]
    for operation in _within_tables(upgrade):
        portable.tidy(operation, models)


def _spell(*directions: OpContainer) -> None:
    for operation in chain.from_iterable(map(_within_tables, directions)):
        portable.leave_out_defaults(operation)
        portable.spell_not_valid(operation)


def _in_order(operation: MigrateOperation) -> Iterator[MigrateOperation]:
    """One batch for a table; around renames one before and one after, as a batch knows one name.

    Both read the same way down: what was built on the new name goes, the old one comes back, what
    was built on that follows.
    """
    if not isinstance(operation, ModifyTableOps):
        yield operation
        return
    found = sorted(operation.ops, key=_name_if_dropped)
    renaming = [op for op in found if isinstance(op, renames.RenameColumnOp)]
    before = [op for op in found if renaming and isinstance(op, DropIndexOp | DropConstraintOp)]
    after = [op for op in found if op not in before and op not in renaming]
    yield from _batch(operation, before)
    yield from renaming
    yield from _batch(operation, after)


def _batch(whole: ModifyTableOps, part: Sequence[MigrateOperation]) -> Iterator[ModifyTableOps]:
    if part:
        yield ModifyTableOps(whole.table_name, part, schema=whole.schema)


def _name_if_dropped(operation: MigrateOperation) -> str:
    """Alembic drops columns last, in an order that changes from run to run."""
    return operation.column_name if isinstance(operation, DropColumnOp) else ""


def _within_tables(direction: OpContainer | None) -> Iterator[MigrateOperation]:
    for operation in direction.ops if direction is not None else ():
        if isinstance(operation, ModifyTableOps):
            yield from operation.ops


def _is_plain(index: Index) -> bool:
    """Whether a model could have named it; an index of another method is raw DDL on purpose."""
    return index.dialect_options["postgresql"]["using"] in (None, False, "btree")
