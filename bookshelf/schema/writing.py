"""What `flask db migrate` writes: how the models and the database are compared and set down."""

from typing import Any, Literal

from alembic import context
from alembic.autogenerate.api import AutogenContext
from alembic.operations.ops import MigrationScript, UpgradeOps
from sqlalchemy.types import TypeDecorator


def options() -> dict[str, Any]:
    """What `context.configure()` takes, so that one revision serves both databases."""
    return {
        "render_as_batch": True,
        "render_item": _render_item,
        "compare_type": True,
        "compare_server_default": True,
        "process_revision_directives": _leave_out_empty_files,
    }


def _render_item(kind: str, item: object, autogen: AutogenContext) -> str | Literal[False]:
    """Write a type of ours as the one that it stores: a revision imports nothing of Bookshelf."""
    if kind == "type" and isinstance(item, TypeDecorator):
        return f"sa.{item.impl_instance!r}"
    return False


def _leave_out_empty_files(
    migration_context: object, revision: object, directives: list[MigrationScript]
) -> None:
    if not getattr(context.config.cmd_opts, "autogenerate", False):
        return
    if all(_is_empty(script.upgrade_ops) for script in directives):
        directives[:] = []
        context.config.print_stdout("The models and the database agree: nothing to migrate.")


def _is_empty(operations: UpgradeOps | None) -> bool:
    return operations is None or operations.is_empty()
