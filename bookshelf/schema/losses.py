"""The guard: what a migration would destroy is counted before anything runs, and needs consent."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import NamedTuple

from alembic.operations import ops
from alembic.util import CommandError
from sqlalchemy import Connection, column, func, inspect, select, table

from bookshelf.schema.steps import Step

CONSENT = "allow-data-loss"
ALL = "all"
MOST_NAMED = 3  # more would make a command that nobody reads


class Loss(NamedTuple):
    """What would go: "authors.country" or "books", and how many values or rows of it there are."""

    name: str
    amount: int

    @property
    def how_much(self) -> str:
        """The amount in words: "1,204 values"."""
        kind = "value" if "." in self.name else "row"
        return f"{self.amount:,} {kind}{'' if self.amount == 1 else 's'}"

    @property
    def line(self) -> str:
        """The loss as a line of a message."""
        return f"    {self.name:<30} {self.how_much}"


def consents(arguments: Sequence[str]) -> set[str]:
    """What the `-x` arguments of a command consent to losing."""
    given = (argument.partition("=") for argument in arguments)
    return {value for name, _, value in given if name == CONSENT}


def refuse(steps: Sequence[Step], connection: Connection, consented: Collection[str]) -> None:
    """Raise CommandError if these steps would destroy more than what was consented to.

    An upgrade's own consent stands in its revision, as `data_loss_ok`.
    """
    losses = [loss for loss in of(steps, connection) if loss.name not in consented]
    if losses:
        raise CommandError(_refusal(losses, connection))


def of(steps: Sequence[Step], connection: Connection) -> list[Loss]:
    """What these steps would destroy and no revision has consented to, as far as it is there."""
    names = dict.fromkeys(name for _, name, agreed in _doomed(steps) if not agreed)
    return list(_counted(names, connection))


def by_step(steps: Sequence[Step], connection: Connection) -> list[list[Loss]]:
    """What each of these steps would destroy, consented or not, as far as it is there."""
    doomed = list(_doomed(steps))
    names = ([name for found, name, _ in doomed if found is step] for step in steps)
    return [list(_counted(named, connection)) for named in names]


def _counted(names: Iterable[str], connection: Connection) -> Iterator[Loss]:
    for name in names:
        if amount := _count(connection, name):
            yield Loss(name, amount)


def _doomed(steps: Sequence[Step]) -> Iterator[tuple[Step, str, bool]]:
    """The tables and columns to be dropped, by their names now, and whether the revision agrees."""
    now: dict[str, str] = {}
    for step in steps:
        agreed = getattr(step.revision.module, "data_loss_ok", ()) if step.is_upgrade else ()
        for operation in step.operations:
            _follow(operation, now)
            if name := _dropped(operation):
                yield step, _named(name, now), name in agreed


def _dropped(operation: ops.MigrateOperation) -> str | None:
    if isinstance(operation, ops.DropColumnOp):
        return f"{operation.table_name}.{operation.column_name}"
    if isinstance(operation, ops.DropTableOp):
        return operation.table_name
    return None


def _follow(operation: ops.MigrateOperation, now: dict[str, str]) -> None:
    """Note what a renamed thing is called as yet."""
    if isinstance(operation, ops.AlterColumnOp) and operation.modify_name:
        old = f"{operation.table_name}.{operation.column_name}"
        now[f"{operation.table_name}.{operation.modify_name}"] = _named(old, now)
    if isinstance(operation, ops.RenameTableOp):
        now[operation.new_table_name] = _named(operation.table_name, now)


def _named(name: str, now: dict[str, str]) -> str:
    """The name that a table or a column has before any step."""
    if name in now:
        return now[name]
    table_name, dot, column_name = name.partition(".")
    return f"{now.get(table_name, table_name)}{dot}{column_name}"


def _count(connection: Connection, name: str) -> int:
    """How many rows a table has, or values a column; none if it is not there yet."""
    table_name, _, column_name = name.partition(".")
    found = inspect(connection)
    if not found.has_table(table_name):
        return 0
    if column_name not in {"", *(known["name"] for known in found.get_columns(table_name))}:
        return 0
    counted = func.count(column(column_name)) if column_name else func.count()
    return connection.scalar(select(counted).select_from(table(table_name))) or 0


def _refusal(losses: Sequence[Loss], connection: Connection) -> str:
    names = [loss.name for loss in losses] if len(losses) <= MOST_NAMED else [ALL]
    flags = " ".join(f"-x {CONSENT}={name}" for name in names)
    if connection.dialect.name == "sqlite":
        advice = f"Run again with: {flags} (the file is copied first; see `flask db backups`)"
    else:
        advice = f"Back up first with pg_dump (on Neon: create a branch), then add: {flags}"
    lines = [loss.line for loss in losses]
    return "\n".join(["this would destroy data; nothing was changed:", *lines, f"  {advice}"])
