"""What SQLite loses when a table is built anew, and how it is kept.

Alembic's batch operations copy a table into a new one and give that the old name. The copy has
no AUTOINCREMENT, and knows the highest id only of the rows that are left: ids would be used twice.
Triggers go with the old table, and so do indexes of expressions; an index that falls comes back
rising. Triggers of other tables that name it stay, yet SQLite would refuse to give the copy its
name: for that moment there is no such table.
"""

import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from alembic.util import CommandError
from sqlalchemy import Connection, Table, event, text

TEMPORARY = "_alembic_tmp_"
RENAMED = re.compile(rf'ALTER TABLE "?{TEMPORARY}\w+"? RENAME TO')
INDEXED = re.compile(r"CREATE (?:UNIQUE )?INDEX (\w+) ")
NOT_REFLECTED = re.compile(r"\s+(?:ASC|DESC|COLLATE \w+)\b|\s+|\"", re.IGNORECASE)
DEFINITIONS = text(
    "SELECT name, sql FROM sqlite_master"
    " WHERE tbl_name = :table AND type IN ('index', 'trigger') AND sql IS NOT NULL"
)
TRIGGERS_AND_EXPRESSIONS = text(
    "SELECT name, sql FROM sqlite_master WHERE tbl_name = :table AND (type = 'trigger' OR"
    " type = 'index' AND EXISTS (SELECT 1 FROM pragma_index_info(sqlite_master.name) AS part"
    " WHERE part.name IS NULL)) ORDER BY type"
)


@contextmanager
def rebuilding_tables(connection: Connection) -> Iterator[None]:
    """Keep all that a rebuild would lose; raise CommandError for a row left without parent."""
    used, rebuild = _highest_ids(connection), Rebuild()
    listeners: list[tuple[Any, str, Any, dict[str, bool]]] = [
        (Table, "before_create", rebuild.remember, {}),
        (connection, "before_cursor_execute", rebuild.as_it_was, {"retval": True}),
        (connection, "after_cursor_execute", rebuild.bring_back, {}),
    ]
    for target, name, listener, options in listeners:
        event.listen(target, name, listener, **options)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Skipped unsupported reflection of expression-based")
            yield
    finally:
        for target, name, listener, _ in listeners:
            event.remove(target, name, listener)
    _restore_highest_ids(connection, used)
    _check_references(connection)


class Rebuild:
    """What stands on the table that is being built anew, by name, as it was defined."""

    def __init__(self) -> None:
        self.definitions: dict[str, str] = {}
        self.lost: dict[str, str] = {}  # what Alembic does not know of

    def remember(self, table: Table, connection: Connection, **kw: object) -> None:
        """Before a copy is created: look at the original, and copy its AUTOINCREMENT."""
        if not table.name.startswith(TEMPORARY):
            return
        original = {"table": table.name.removeprefix(TEMPORARY)}
        self.definitions = dict(connection.execute(DEFINITIONS, original).all())
        self.lost = dict(connection.execute(TRIGGERS_AND_EXPRESSIONS, original).all())
        statement = text("SELECT sql FROM sqlite_master WHERE type = 'table' AND name = :table")
        sql = connection.scalar(statement, original)
        table.dialect_options["sqlite"]["autoincrement"] = "AUTOINCREMENT" in (sql or "")

    def as_it_was(
        self, connection: object, cursor: Any, statement: str, parameters: Any, *rest: object
    ) -> tuple[str, Any]:
        """Before an index is created again: as it was, if all that it lost is its direction."""
        if RENAMED.match(statement):
            cursor.execute("PRAGMA legacy_alter_table = ON")  # which looks at no trigger
        created = INDEXED.match(statement)
        was = self.definitions.get(created[1], "") if created else ""
        if NOT_REFLECTED.sub("", was) == NOT_REFLECTED.sub("", statement):
            return was, parameters
        return statement, parameters

    def bring_back(
        self, connection: Connection, cursor: Any, statement: str, *rest: object
    ) -> None:
        """Once the copy has the name of the original: create what Alembic does not know of."""
        if RENAMED.match(statement):
            cursor.execute("PRAGMA legacy_alter_table = OFF")
            lost, self.lost = self.lost, {}
            for definition in lost.values():
                connection.exec_driver_sql(definition)


def _highest_ids(connection: Connection) -> dict[str, int]:
    exists = text("SELECT 1 FROM sqlite_master WHERE name = 'sqlite_sequence'")
    if not connection.scalar(exists):
        return {}
    rows = connection.execute(text("SELECT name, seq FROM sqlite_sequence"))
    return dict(rows.all())


def _restore_highest_ids(connection: Connection, used: dict[str, int]) -> None:
    now = _highest_ids(connection)
    tables = set(connection.scalars(text("SELECT name FROM sqlite_master WHERE type = 'table'")))
    for name, highest in used.items():
        if name in tables and now.get(name, 0) < highest:
            values = {"name": name, "highest": highest}
            connection.execute(text("DELETE FROM sqlite_sequence WHERE name = :name"), values)
            connection.execute(text("INSERT INTO sqlite_sequence VALUES (:name, :highest)"), values)


def _check_references(connection: Connection) -> None:
    if broken := connection.execute(text("PRAGMA foreign_key_check")).all():
        row = broken[0]
        raise CommandError(
            f"rows would be left without what they refer to ({len(broken)}, the first in "
            f"{row[0]}: row {row[1]}, to {row[2]}); nothing was changed"
        )
