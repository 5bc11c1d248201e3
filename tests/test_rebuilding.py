"""What a batch operation on SQLite builds anew, it builds whole."""

from collections.abc import Sequence
from pathlib import Path

import pytest
from alembic import command
from conftest import HEAD, Place, after_head, ask, migrating, plant

OBJECTS = """SELECT type, name, sql FROM sqlite_master
    WHERE sql IS NOT NULL AND type <> 'table' ORDER BY type, name"""
REBUILDS = """with op.batch_alter_table("{table}", recreate="always") as batch:
        batch.alter_column("{column}", existing_type=sa.String(300), type_=sa.String(400))"""
BACK = """with op.batch_alter_table("{table}", recreate="always") as batch:
        batch.alter_column("{column}", existing_type=sa.String(400), type_=sa.String(300))"""

TRIGGER = """CREATE TRIGGER note_{table} AFTER UPDATE ON {table} BEGIN
    UPDATE {table} SET {column} = upper(NEW.{column}) WHERE id = NEW.id; END"""
MADE_BY_HAND = [
    TRIGGER,
    "CREATE INDEX ix_{table}_upper ON {table} (upper({column}))",
    "CREATE INDEX ix_{table}_some ON {table} ({column}) WHERE {column} <> ''",
    "CREATE INDEX ix_{table}_falling ON {table} ({column} DESC, id)",
]
TABLES = [("authors", "name"), ("books", "title"), ("users", "name")]


def rebuilding(checkout: Path, table: str, column: str) -> None:
    """Plant a revision that builds a table anew, both ways."""
    names = {"table": table, "column": column}
    plant(checkout, after_head(), HEAD, REBUILDS.format(**names), BACK.format(**names))


def objects(place: Place) -> list[tuple[object, ...]]:
    """Every index and trigger with its definition."""
    return ask(place, OBJECTS)


def checks(place: Place, table: str) -> Sequence[str]:
    """The lines of a table's definition that constrain it."""
    ((sql,),) = ask(place, f"SELECT sql FROM sqlite_master WHERE name = '{table}'")
    lines = (line.strip().rstrip(",") for line in sql.splitlines())
    return sorted(line for line in lines if line.startswith("CONSTRAINT"))


@pytest.mark.parametrize(("table", "column"), TABLES)
def test_indexes_constraints_and_triggers_outlive_a_rebuild_both_ways(
    table: str, column: str, sqlite_place: Place, checkout: Path
) -> None:
    rebuilding(checkout, table, column)
    with migrating(sqlite_place, checkout) as config:
        command.upgrade(config, HEAD)
        for statement in MADE_BY_HAND:
            ask(sqlite_place, statement.format(table=table, column=column))
        before = objects(sqlite_place), checks(sqlite_place, table)
        command.upgrade(config, "head")
        assert (objects(sqlite_place), checks(sqlite_place, table)) == before
        command.downgrade(config, HEAD)
        assert (objects(sqlite_place), checks(sqlite_place, table)) == before
