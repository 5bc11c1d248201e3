"""A rename as what it is: asked for, never guessed, and written so that every value stays.

Alembic sees a column that is gone and one that is new; run as that, all values would be lost.
"""

import sys
from collections.abc import Iterator
from itertools import product
from typing import NamedTuple, TypeVar

import click
from alembic.autogenerate.api import AutogenContext
from alembic.operations.ops import (
    AddColumnOp,
    AlterColumnOp,
    CreateIndexOp,
    DropColumnOp,
    DropIndexOp,
    MigrateOperation,
    ModifyTableOps,
    UpgradeOps,
)
from alembic.runtime.migration import MigrationContext
from alembic.util import CommandError
from sqlalchemy import Column
from sqlalchemy.types import TypeDecorator

NO = "no"
Operation = TypeVar("Operation", bound=MigrateOperation)


class RenameColumnOp(AlterColumnOp):
    """A column under another name; Alembic's own operation forgets the name on its way back.

    It stands outside batches: SQLite renames in place, in checks, indexes and triggers too.
    """

    def reverse(self) -> AlterColumnOp:
        """Return the operation that gives the old name back."""
        return RenameColumnOp(self.table_name, str(self.modify_name), modify_name=self.column_name)


class Pair(NamedTuple):
    """A column that is gone from a model and one that is new in it, perhaps the same."""

    table: ModifyTableOps
    gone: DropColumnOp
    new: AddColumnOp

    @property
    def name(self) -> str:
        """As people answer with it: "authors.bio:biography"."""
        return f"{self.table.table_name}.{self.gone.column_name}:{self.new.column.name}"

    def is_apart_from(self, other: "Pair") -> bool:
        """Whether both may be renames: no column is in both."""
        return self.gone is not other.gone and self.new is not other.new


def settle(context: MigrationContext, upgrade: UpgradeOps, answers: list[str]) -> None:
    """Turn the pairs that are renames into renames.

    `answers` are the values of `-x rename=...`. Raises CommandError for one that does not fit, and
    where a pair is left that nobody can be asked about.
    """
    pairs = list(_plausible_pairs(upgrade))
    renames: list[Pair] = []
    for answer in dict.fromkeys(answers):
        if answer != NO:
            renames.append(_pair_meant_by(answer, pairs, renames))
    left = [pair for pair in pairs if all(pair.is_apart_from(chosen) for chosen in renames)]
    if left and NO not in answers:
        renames += _ask(left)
    for pair in renames:
        _rename(context, pair)


def _plausible_pairs(upgrade: UpgradeOps) -> Iterator[Pair]:
    """Every column that is gone with every new one of its table that holds the same kind."""
    for table in upgrade.ops:
        if isinstance(table, ModifyTableOps):
            gone = sorted(_of_kind(table, DropColumnOp), key=lambda found: found.column_name)
            for old, new in product(gone, _of_kind(table, AddColumnOp)):
                if _kind(old.to_column()) == _kind(new.column):
                    yield Pair(table, old, new)


def _of_kind(table: ModifyTableOps, kind: type[Operation]) -> list[Operation]:
    return [found for found in table.ops if isinstance(found, kind)]


def _kind(column: Column[object]) -> type:
    """What Python holds of it; a type that Python has no word for is a kind of its own."""
    stored = column.type
    if isinstance(stored, TypeDecorator):
        stored = stored.impl_instance
    try:
        return stored.python_type
    except NotImplementedError:
        return type(stored)


def _pair_meant_by(answer: str, pairs: list[Pair], taken: list[Pair]) -> Pair:
    meant = next((pair for pair in pairs if pair.name == answer), None)
    if meant is None:
        possible = ", ".join(pair.name for pair in pairs) or "nothing"
        raise CommandError(
            f"-x rename={answer} does not fit: write -x rename=table.old:new, or -x rename={NO}; "
            f"what may have been renamed here: {possible}"
        )
    if not all(meant.is_apart_from(other) for other in taken):
        raise CommandError(f"-x rename={answer}: one of the two is part of another rename")
    return meant


def _ask(pairs: list[Pair]) -> list[Pair]:
    """Ask about each pair; raise CommandError where there is no terminal to ask on."""
    if not sys.stdin.isatty():
        raise CommandError(_how_to_answer(pairs))
    renames: list[Pair] = []
    for pair in pairs:
        if all(pair.is_apart_from(other) for other in renames) and _confirms(pair):
            renames.append(pair)
    return renames


def _confirms(pair: Pair) -> bool:
    question = f"Was `{pair.gone.column_name}` renamed to `{pair.new.column.name}`?"
    try:
        return click.confirm(question, prompt_suffix=" ")
    except click.Abort as broken_off:
        raise CommandError("broken off; nothing was written") from broken_off


def _how_to_answer(pairs: list[Pair]) -> str:
    found = "\n".join(
        f"    {pair.table.table_name}: `{pair.gone.column_name}` is gone, "
        f"`{pair.new.column.name}` is new; if it was renamed: -x rename={pair.name}"
        for pair in pairs
    )
    return (
        "is this a rename? Nothing was written.\n"
        f"{found}\n"
        f"  Say so by running it again with that, or, if it was not: -x rename={NO}"
    )


def _rename(context: MigrationContext, pair: Pair) -> None:
    """Put a rename where the table's operations have a drop and an addition.

    What else changed of the column (its length, say) Alembic finds by its own comparison.
    """
    table, old, new = pair.table.table_name, pair.gone.to_column(), pair.new.column
    rest = AlterColumnOp(table, new.name)
    autogen = AutogenContext(context)
    compare = autogen.comparators.dispatch("column", qualifier=context.dialect.name)
    compare(autogen, rest, None, table, new.name, old, new)
    pair.table.ops[:] = [
        *_indexes_replaced(pair),
        RenameColumnOp(table, old.name, modify_name=new.name),
        *([rest] if rest.has_changes() else []),
        *(op for op in pair.table.ops if op is not pair.gone and op is not pair.new),
    ]


def _indexes_replaced(pair: Pair) -> Iterator[DropIndexOp]:
    """The indexes with the old column that the models have anew, with the new one."""
    old, new = pair.gone.to_column(), pair.new.column
    there = {index.name: index for index in old.table.indexes}  # Alembic's comparison doubles them
    for operation in _of_kind(pair.table, CreateIndexOp):
        columns = [column.name for column in operation.to_index().columns]
        before = [old.name if name == new.name else name for name in columns]
        for index in there.values():
            if before != columns and before == [column.name for column in index.columns]:
                yield DropIndexOp.from_index(index)
