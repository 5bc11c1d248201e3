"""A database that is migrated here and there, what is in it, and rows to fill it with."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NamedTuple

import pytest
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from conftest import Place, migrating
from flask import current_app
from sqlalchemy import Connection, Engine, inspect, make_url, text

from bookshelf.schema import direct

BOOKKEEPING = {"alembic_version"}
DERIVED = {"words_of_authors", "words_of_books"}  # on PostgreSQL alone; nobody typed them

Row = dict[str, Any]
Rows = Mapping[str, list[Row]]  # by table


class Shelf(NamedTuple):
    """A database that is migrated here and there, and what is in it."""

    place: Place
    config: Config
    engine: Engine

    @property
    def script(self) -> ScriptDirectory:
        """The revisions."""
        return ScriptDirectory.from_config(self.config)

    def upgrade(self, revision: str) -> None:
        """Go up to a revision; "base" is where every shelf begins."""
        if revision != "base":
            command.upgrade(self.config, revision)

    def downgrade(self, revision: str) -> None:
        """Go down to a revision."""
        command.downgrade(self.config, revision)

    def do(self, statement: str, *rows: Row) -> None:
        """Execute and commit a statement, once for each row that is given."""
        with self.engine.begin() as connection:
            connection.execute(text(statement), list(rows) or None)

    def add(self, rows: Rows) -> None:
        """Insert rows, which get their ids from the database in this order."""
        for table, dicts in rows.items():
            for columns in dict.fromkeys(tuple(row) for row in dicts):
                names, values = ", ".join(columns), ", ".join(f":{name}" for name in columns)
                same = [row for row in dicts if tuple(row) == columns]
                self.do(f"INSERT INTO {table} ({names}) VALUES ({values})", *same)

    def add_triggers(self) -> None:
        """Give every table what a rebuild on SQLite would drop."""
        for table in self.rows() if self.place.kind == "sqlite" else ():
            self.do(f"CREATE TRIGGER of_{table} AFTER DELETE ON {table} BEGIN SELECT 1; END")
            self.do(f"CREATE INDEX ix_{table}_odd ON {table} (id % 2)")

    def delete_newest(self) -> None:
        """Delete the newest row of every table, whose id must not be given out again."""
        for table in sorted(self.rows(), reverse=True):  # books before authors
            self.do(f"DELETE FROM {table} WHERE id = (SELECT max(id) FROM {table})")

    def rows(self) -> dict[str, list[Row]]:
        """Every row of every table, just as the driver gives it."""
        with self.engine.connect() as connection:
            return {
                table: [
                    dict(row)
                    for row in connection.execute(
                        text(f"SELECT * FROM {table} ORDER BY id")
                    ).mappings()
                ]
                for table in inspect(connection).get_table_names()
                if table not in BOOKKEEPING | DERIVED
            }

    def highest_ids(self) -> dict[str, int | None]:
        """The highest id that each table has ever given out."""
        with self.engine.connect() as connection:
            return {table: _highest_id(connection, table) for table in self.rows()}

    def schema(self) -> dict[str, object]:
        """Columns, keys, constraints and indexes of every table, by their names."""
        with self.engine.connect() as connection:
            names = set(inspect(connection).get_table_names()) - BOOKKEEPING
            return {name: _describe(connection, name) for name in sorted(names)}

    def revision(self) -> str | None:
        """Where the database stands."""
        with self.engine.connect() as connection:
            if not inspect(connection).has_table("alembic_version"):
                return None
            found: str | None = connection.scalar(text("SELECT version_num FROM alembic_version"))
            return found


def _highest_id(connection: Connection, table: str) -> int | None:
    if connection.dialect.name == "sqlite":
        statement = f"SELECT seq FROM sqlite_sequence WHERE name = '{table}'"
    else:
        statement = f"SELECT last_value FROM {table}_id_seq WHERE is_called"
    found: int | None = connection.scalar(text(statement))
    return found


def _describe(connection: Connection, table: str) -> dict[str, object]:
    found = inspect(connection)
    columns = [
        (column["name"], repr(column["type"]), column["nullable"], column["default"])
        for column in found.get_columns(table)
    ]
    references = [
        (key["name"], key["constrained_columns"], key["referred_table"], key["options"])
        for key in found.get_foreign_keys(table)
    ]
    indexes = [(i["name"], i["column_names"], i["unique"]) for i in found.get_indexes(table)]
    uniques = [(u["name"], u["column_names"]) for u in found.get_unique_constraints(table)]
    primary = found.get_pk_constraint(table)
    return {
        "columns": columns,
        "primary key": (primary["name"], primary["constrained_columns"]),
        "references": references,
        "indexes": sorted(indexes, key=str),
        "uniques": sorted(uniques, key=str),
        "checks": sorted(str(check) for check in found.get_check_constraints(table)),
        "never reuses ids": _never_reuses_ids(connection, table),
        "as written": _as_written(connection, table),
    }


def _as_written(connection: Connection, table: str) -> list[tuple[str, str]]:
    """On SQLite, the definitions of indexes and triggers, of which reflection does not tell all."""
    if connection.dialect.name != "sqlite":
        return []
    query = "SELECT name, sql FROM sqlite_master WHERE tbl_name = :table AND type <> 'table'"
    return sorted(tuple(row) for row in connection.execute(text(query), {"table": table}) if row[1])


def _never_reuses_ids(connection: Connection, table: str) -> bool:
    if connection.dialect.name != "sqlite":
        return True
    sql = connection.scalar(text("SELECT sql FROM sqlite_master WHERE name = :n"), {"n": table})
    return "AUTOINCREMENT" in (sql or "")


@contextmanager
def shelf_at(place: Place) -> Iterator[Shelf]:
    """A database, in the context of its app."""
    with migrating(place, x_arg=["allow-data-loss=all"]) as config:
        url = make_url(current_app.config["MIGRATING_URL"])
        yield Shelf(place, config, direct.engine_for(url))


@pytest.fixture(name="shelf")
def empty_shelf(empty_place: Place) -> Iterator[Shelf]:
    """An empty database, in the context of its app."""
    with shelf_at(empty_place) as found:
        yield found


LONG_NAME = "Ø" * 100
LONG_TITLE = "é" * 200
SWELLING_TITLE = "ﷺ" * 200  # each becomes 18 letters in a key, which an index must still hold

AUTHORS = [
    "Chimamanda Ngozi Adichie",
    "Ursula K. Le Guin",
    "Martin Luther King Jr.",
    "Gabriel García Márquez",
    "村上春樹",
    "Flann O'Brien",
    'a"b\\c%s:d;--',
    LONG_NAME,
    *(f"Writer {number}" for number in range(1, 1002)),
    "the newest, soon deleted",
]
TITLES = [
    "The Two Towers",
    "A Game of Thrones",
    "An Artist of the Floating World",
    "L'Étranger",
    "百年の孤独",
    "Cafe\u0301 au lait",
    " spaces around ",
    "???",
    "The",
    LONG_TITLE,
    SWELLING_TITLE,
    *(f"Volume {number}" for number in range(1, 1002)),
    "the newest, soon deleted",
]
MOMENT = "2026-11-02 09:00:00.123456"


def populated(**more: object) -> Rows:
    """More authors and books than a batch holds; `more` goes to the first author."""
    bios = [None, "", "Two\nlines, a tab\t and 📚."]
    authors: list[Row] = [
        {"name": name, "bio": bios[number % 3], "created_at": MOMENT}
        for number, name in enumerate(AUTHORS)
    ]
    authors[0] |= more
    books: list[Row] = [
        {"title": title, "author_id": number % 8 + 1, "created_at": MOMENT}
        for number, title in enumerate(TITLES)
    ]
    return {"authors": authors, "books": books}


def only_columns_of(before: Mapping[str, list[Row]], rows: Mapping[str, list[Row]]) -> Rows:
    """Of these rows the tables and the columns that there were before."""
    return {
        table: [{column: row[column] for column in old[0]} for row in rows[table]]
        for table, old in before.items()
    }
