"""What revisions would do, found out by playing them where nothing can happen.

For PostgreSQL they are played as when SQL is written down: without a database. For SQLite, where a
batch operation has to read the table that it builds anew, on a copy in memory that has the schema
but no rows.
"""

import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from inspect import currentframe
from threading import RLock
from typing import Any, NamedTuple

from alembic import context
from alembic.operations import MigrateOperation, Operations
from alembic.runtime.environment import EnvironmentContext
from alembic.script import Script
from alembic.util import CommandError
from flask import current_app
from sqlalchemy import Connection, StaticPool, create_engine, event, text

from bookshelf.schema import revisions, sqlite

# Alembic knows one migration at a time: its proxies are global.
ONE_AT_A_TIME = RLock()

SCHEMA = text(
    "SELECT sql FROM sqlite_master WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'"
    " ORDER BY type = 'table' DESC"
)


class Move(NamedTuple):
    """A revision, and whether it is gone up to it or down from it."""

    revision: Script
    is_upgrade: bool


class Step(NamedTuple):
    """A move, the operations of which it consists in their order, and the SQL that they become.

    `lines` holds for each line of the SQL the line of the revision's file that made it.
    """

    revision: Script
    is_upgrade: bool
    operations: tuple[MigrateOperation, ...]
    sql: str
    lines: tuple[int, ...]


class Tape(io.StringIO):
    """Takes SQL down, and notes where in the file of a revision it comes from."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[int] = []
        self.path = ""

    def begin(self, revision: Script) -> None:
        """Forget what was taken down before; from now on all is of this revision."""
        self.seek(0)
        self.truncate()
        self.lines.clear()
        self.path = revision.path

    def write(self, text: str, /) -> int:
        """Take down whole lines."""
        frame = currentframe()
        while frame is not None and frame.f_code.co_filename != self.path:
            frame = frame.f_back
        self.lines += [frame.f_lineno if frame is not None else 1] * text.count("\n")
        return super().write(text)


def look_ahead(moves: Sequence[Move], connection: Connection) -> list[Step]:
    """What each of these moves would do to the database of a connection; it is only read.

    Raises CommandError for a revision that fails, as one does that needs rows.
    """
    if connection.dialect.name == "sqlite":
        with _copy_of_schema(connection) as copy:
            return _play(moves, copy)
    return _play(moves, None)


def written_for_postgresql(moves: Sequence[Move]) -> list[Step]:
    """What these moves would do on PostgreSQL, whatever database there is.

    Raises CommandError for a revision that fails, as one does that needs rows.
    """
    return _play(moves, None)


@contextmanager
def _copy_of_schema(connection: Connection) -> Iterator[Connection]:
    engine = create_engine("sqlite://", poolclass=StaticPool)
    with engine.connect() as copy:
        with copy.begin():
            for statement in connection.scalars(SCHEMA):
                copy.exec_driver_sql(statement)
        yield copy
    engine.dispose()


def _play(moves: Sequence[Move], copy: Connection | None) -> list[Step]:
    with ONE_AT_A_TIME, _environment(copy) as written, _recorded() as operations:
        return [_step(move, written, operations) for move in moves]


@contextmanager
def _environment(copy: Connection | None) -> Iterator[Tape]:
    """An environment in which revisions find `context`, beside the one in which we may be."""
    migrate, script = current_app.extensions["migrate"], revisions.script()
    outer, written = getattr(context, "_proxy", None), Tape()
    offline: dict[str, Any] = {"dialect_name": "postgresql", "output_buffer": written}
    target = offline | {"literal_binds": True} if copy is None else {"connection": copy}
    try:
        with (
            revisions.quietly(),
            EnvironmentContext(
                migrate.migrate.get_config(migrate.directory), script, as_sql=copy is None
            ) as environment,
        ):
            environment.configure(transactional_ddl=True, **target)
            with _noting(copy, written):
                yield written
    finally:
        if outer is not None:
            outer.__enter__()


@contextmanager
def _noting(copy: Connection | None, written: Tape) -> Iterator[None]:
    """Write down the statements that change a copy."""

    def note(connection: object, cursor: object, statement: str, *rest: object) -> None:
        if not statement.lstrip().startswith(("PRAGMA", "SELECT")):
            written.write(f"{statement.strip()};\n\n")

    if copy is None:
        yield
        return
    with sqlite.rebuilding_tables(copy):
        event.listen(copy, "before_cursor_execute", note)
        yield
        event.remove(copy, "before_cursor_execute", note)


@contextmanager
def _recorded() -> Iterator[list[MigrateOperation]]:
    """The operations of whatever revisions run inside, those of batches one by one."""
    seen: list[MigrateOperation] = []
    with Operations.context(context.get_context()) as op:
        _record(op, seen)
        batch_alter_table = op.batch_alter_table

        @contextmanager
        def recorded_batch(*args: Any, **options: Any) -> Iterator[Any]:
            with batch_alter_table(*args, **options) as batch:
                _record(batch, seen)
                yield batch

        op.batch_alter_table = recorded_batch  # type: ignore[method-assign]
        yield seen


def _record(operations: Any, seen: list[MigrateOperation]) -> None:
    invoke = operations.invoke

    def recording(operation: MigrateOperation) -> Any:
        seen.append(operation)
        so_far = len(seen)
        result = invoke(operation)
        del seen[so_far:]  # what it is made of
        return result

    operations.invoke = recording


def _step(move: Move, written: Tape, seen: list[MigrateOperation]) -> Step:
    seen.clear()
    written.begin(move.revision)
    module = move.revision.module
    try:
        (module.upgrade if move.is_upgrade else module.downgrade)()
    except Exception as error:
        reason = " ".join(str(getattr(error, "orig", error)).split())
        raise CommandError(
            f"what {move.revision.revision} would do cannot be found out ({reason[:200]}); what "
            "needs rows must stand behind `if not context.is_offline_mode()`"
        ) from error
    return Step(*move, tuple(seen), written.getvalue().rstrip(), tuple(written.lines))
