"""What the pending revisions would do, to how many rows, in whose way, and if it can be undone.

It is found out by playing them where nothing can happen, and by counting. Nothing is changed.
"""

import ast
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from alembic.script import Script
from sqlalchemy import Connection, func, inspect, select, table, text

from bookshelf.schema import effects, losses, revisions, steps, words
from bookshelf.schema.effects import Lock
from bookshelf.schema.losses import Loss
from bookshelf.schema.steps import Move, Step

SMALL = 8 * 1024 * 1024  # bytes of a table that is counted rather than estimated
ESTIMATE = text(
    "SELECT reltuples::bigint FROM pg_class WHERE oid = to_regclass(quote_ident(:name))"
    " AND reltuples > 0 AND pg_relation_size(oid) > :small"
)


class Touched(NamedTuple):
    """A table that a revision takes: how many rows it has now, and under which lock."""

    table: str
    rows: int
    estimated: bool
    lock: Lock


class Planned(NamedTuple):
    """A pending revision, with what it would do."""

    revision: Script
    does: Sequence[str]
    sql: str
    touches: Sequence[Touched]
    destroys: Sequence[Loss]
    back: str


def pending(connection: Connection) -> list[Planned]:
    """What would run in the database of a connection, the first one first.

    Files that have come since the start are known too. Raises CommandError for a revision of which
    that cannot be found out.
    """
    heads = revisions.heads_of_database(connection)
    lacking = revisions.lacking(heads, revisions.read_anew())
    played = steps.look_ahead([Move(found, is_upgrade=True) for found in lacking], connection)
    losing = zip(played, losses.by_step(played, connection), strict=True)
    return [_planned(step, lost, connection) for step, lost in losing]


def _planned(step: Step, lost: Sequence[Loss], connection: Connection) -> Planned:
    does = [words.in_words(operation) for operation in step.operations] or ["changes nothing"]
    touches = _touched(step, connection)
    return Planned(step.revision, does, step.sql, touches, lost, way_back(step.revision))


def _touched(step: Step, connection: Connection) -> list[Touched]:
    """The tables that are there already, each with the strongest lock that it is given."""
    there = set(inspect(connection).get_table_names())
    strongest: dict[str, Lock] = {}
    for operation in step.operations:
        for name, lock in effects.locks(operation):
            if name in there:
                strongest[name] = max(lock, strongest.get(name, lock))
    if connection.dialect.name == "sqlite":
        strongest = dict.fromkeys(strongest, effects.ON_SQLITE)
    return [Touched(name, *_rows(connection, name), lock) for name, lock in strongest.items()]


def _rows(connection: Connection, name: str) -> tuple[int, bool]:
    """How many rows a table has, and whether that is the server's estimate."""
    if connection.dialect.name == "postgresql":
        estimate = connection.scalar(ESTIMATE, {"name": name, "small": SMALL})
        if estimate is not None:
            return estimate, True
    return connection.scalar(select(func.count()).select_from(table(name))) or 0, False


def way_back(revision: Script) -> str:
    """Whether a revision can be reversed, as its file says."""
    module = ast.parse(Path(revision.path).read_text("utf-8"))
    functions = (node for node in module.body if isinstance(node, ast.FunctionDef))
    downgrade = next((found for found in functions if found.name == "downgrade"), None)
    if downgrade is None:
        return "cannot be reversed: it has no downgrade"
    does = [line for line in downgrade.body if not _says_nothing(line)]
    if any(isinstance(line, ast.Raise) for line in does):
        return "cannot be reversed: its downgrade refuses"
    return "can be reversed" if does else "going back undoes nothing: its downgrade is empty"


def _says_nothing(line: ast.stmt) -> bool:
    """Whether a line is `pass`, or a docstring."""
    is_text = isinstance(line, ast.Expr) and isinstance(line.value, ast.Constant)
    return is_text or isinstance(line, ast.Pass)
