"""What SQLite loses when a table is built anew, and how it is kept.

Alembic's batch operations copy a table into a new one and give that the old name. The copy has
no AUTOINCREMENT, and knows the highest id only of the rows that are left: ids would be used twice.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from alembic.util import CommandError
from sqlalchemy import Connection, Table, event, text

TEMPORARY = "_alembic_tmp_"


@contextmanager
def rebuilding_tables(connection: Connection) -> Iterator[None]:
    """Keep AUTOINCREMENT and the highest ids; raise CommandError for a row left without parent."""
    used = _highest_ids(connection)
    event.listen(Table, "before_create", _keep_autoincrement)
    try:
        yield
    finally:
        event.remove(Table, "before_create", _keep_autoincrement)
    _restore(connection, used)
    if broken := connection.execute(text("PRAGMA foreign_key_check")).all():
        row = broken[0]
        raise CommandError(
            f"rows would be left without what they refer to ({len(broken)}, the first in "
            f"{row[0]}: row {row[1]}, to {row[2]}); nothing was changed"
        )


def _keep_autoincrement(table: Table, connection: Connection, **kw: object) -> None:
    """Called before any table is created, so also before the copy of one."""
    if table.name.startswith(TEMPORARY):
        statement = text("SELECT sql FROM sqlite_master WHERE type = 'table' AND name = :name")
        sql = connection.scalar(statement, {"name": table.name.removeprefix(TEMPORARY)})
        table.dialect_options["sqlite"]["autoincrement"] = "AUTOINCREMENT" in (sql or "")


def _highest_ids(connection: Connection) -> dict[str, int]:
    exists = text("SELECT 1 FROM sqlite_master WHERE name = 'sqlite_sequence'")
    if not connection.scalar(exists):
        return {}
    rows = connection.execute(text("SELECT name, seq FROM sqlite_sequence"))
    return dict(rows.all())


def _restore(connection: Connection, used: dict[str, int]) -> None:
    now = _highest_ids(connection)
    tables = set(connection.scalars(text("SELECT name FROM sqlite_master WHERE type = 'table'")))
    for name, highest in used.items():
        if name in tables and now.get(name, 0) < highest:
            values = {"name": name, "highest": highest}
            connection.execute(text("DELETE FROM sqlite_sequence WHERE name = :name"), values)
            connection.execute(text("INSERT INTO sqlite_sequence VALUES (:name, :highest)"), values)
