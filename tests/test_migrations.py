"""Every revision is proven on rows, both ways, on both databases; none goes without a proof."""

import ast
import io
import re
import sqlite3
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

import psycopg2
import pytest
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from conftest import HEAD, Place, after_head, migrating, run_flask
from flask import current_app
from pytest_alembic.tests import (  # noqa: F401
    test_model_definitions_match_ddl,
    test_single_head_revision,
    test_up_down_consistency,
    test_upgrade,
)
from pytest_alembic.tests.experimental import test_downgrade_leaves_no_trace  # noqa: F401
from sqlalchemy import Connection, Engine, inspect, make_url, text

from bookshelf.authors.names import author_key, propose_sort_name
from bookshelf.books.titles import title_key
from bookshelf.core import text as text_module
from bookshelf.core.db import db
from bookshelf.schema import direct

ROOT = Path(__file__).resolve().parent.parent
VERSIONS = ROOT / "migrations/versions"
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


@pytest.fixture
def shelf(empty_place: Place) -> Iterator[Shelf]:
    """An empty database, in the context of its app."""
    with shelf_at(empty_place) as found:
        yield found


@pytest.fixture
def alembic_config(shelf: Shelf) -> Config:
    """What pytest-alembic's own tests run with."""
    return shelf.config


@pytest.fixture
def alembic_engine(shelf: Shelf) -> Engine:
    """The database on which pytest-alembic's own tests run."""
    return shelf.engine


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


def one_of_each(author: Row, book: Row) -> Rows:
    """An author with a book, added after the others."""
    shared = {"author_id": 1}
    return {"authors": [{"name": "New", **author}], "books": [{"title": "New", **shared, **book}]}


class Proof(NamedTuple):
    """Rows from before a revision, rows that need it, and what it must have made of the former."""

    before: Rows
    after: Rows
    holds: Callable[[Shelf], None]
    rewrites: str | None = None  # the column whose values it is there to change


def begins_empty(shelf: Shelf) -> None:
    assert shelf.rows() == {"authors": [], "books": []}


def knows_no_country(shelf: Shelf) -> None:
    assert {row["country"] for row in shelf.rows()["authors"]} == {None}


def fills_in_the_catalogue(shelf: Shelf) -> None:
    found = shelf.rows()
    for rows in found.values():
        assert all(row["updated_at"] == row["created_at"] for row in rows)
        assert {row["version"] for row in rows} == {1}
        assert all(0 < len(row["sort_key"].encode()) <= 2500 for row in rows)
    sorted_as = {row["name"]: (row["sort_name"], row["sort_key"]) for row in found["authors"]}
    keys = {row["title"]: row["sort_key"] for row in found["books"]}
    assert sorted_as["Chimamanda Ngozi Adichie"] == (
        "Adichie, Chimamanda Ngozi",
        "adichie chimamanda ngozi",
    )
    assert sorted_as["Gabriel García Márquez"][1] == "marquez gabriel garcia"
    assert sorted_as["村上春樹"] == ("村上春樹", "村上春樹")
    assert sorted_as[LONG_NAME] == (LONG_NAME, "o" * 100)
    assert sorted_as["Writer 1001"] == ("1001, Writer", "1001 writer")
    assert keys["The Two Towers"] == "two towers the"
    assert keys["A Game of Thrones"] == "game of thrones a"
    assert keys[LONG_TITLE] == "e" * 200
    assert keys["???"] == "???"
    assert keys["Volume 1001"] == "volume 1001"
    for column in ("isbn", "year", "publisher", "language"):
        assert {row[column] for row in found["books"]} == {None}


ROUGH = "ħıŧŋĸƀɓɖɗɛɠǥɨƙɲɔʉʋƴƶə"  # as 0003 left these letters in keys, one after the other
UNFOLDED = [("Hikmet, Nazım", "hikmet nazım"), ("Kaʻahumanu", "kaʻahumanu"), ("ʻʻ", "ʻʻ")]


def at_0003(*keys: tuple[str, str]) -> Rows:
    """An author and a book for each of these texts with its key."""
    authors: list[Row] = [{"name": t, "sort_name": t, "sort_key": key} for t, key in keys]
    books: list[Row] = [{"title": t, "author_id": 1, "sort_key": key} for t, key in keys]
    return {"authors": authors, "books": books}


def folds_more_letters(shelf: Shelf) -> None:
    expected = ["hikmet nazim", "ka ahumanu", "ʻʻ", text_module.fold(ROUGH), "tolkien j r r"]
    for rows in shelf.rows().values():
        assert [row["sort_key"] for row in rows[:5]] == expected


ANN: Row = {"email": "ann@b.org", "sort_key": "ann", "role": "editor", "fs_uniquifier": "epoch"}


def knows_nobody(shelf: Shelf) -> None:
    rows = shelf.rows()
    assert rows["users"] == rows["sign_in_tries"] == []


def has_an_index_for_each_order(shelf: Shelf) -> None:
    tables: Any = shelf.schema()
    indexes = {name: columns for table in tables.values() for name, columns, _ in table["indexes"]}
    assert indexes["ix_books_year"] == ["year", "sort_key", "id"]
    assert indexes["ix_books_publisher"] == ["publisher", "id"]
    assert indexes["ix_books_isbn"] == ["isbn", "sort_key", "id"]
    assert indexes["ix_users_role"] == ["role", "sort_key", "id"]


def knows_the_author_of_each_book(shelf: Shelf) -> None:
    [book] = shelf.rows()["books"][-1:]
    assert (book["author_key"], book["author_country"]) == ("ann", "NZ")
    rename = "UPDATE authors SET sort_key = 'ann lee', country = NULL WHERE id = :id"
    shelf.do(rename, {"id": book["author_id"]})
    assert follows(shelf, book["id"]) == ("ann lee", None)
    [other] = shelf.rows()["authors"][-1:]
    move = "UPDATE books SET author_id = :author WHERE id = :id"
    shelf.do(move, {"id": book["id"], "author": other["id"]})
    assert follows(shelf, book["id"]) == (other["sort_key"], other["country"])
    shelf.do(move, {"id": book["id"], "author": book["author_id"]})
    shelf.do(rename.replace("ann lee", "ann").replace("NULL", "'NZ'"), {"id": book["author_id"]})


def follows(shelf: Shelf, book_id: int) -> tuple[str, str | None]:
    """What a book knows of its author."""
    [row] = [row for row in shelf.rows()["books"] if row["id"] == book_id]
    return row["author_key"], row["author_country"]


def has_trigrams_on_postgresql(shelf: Shelf) -> None:
    tables: Any = shelf.schema()
    names = {name for table in tables.values() for name, _, _ in table["indexes"]}
    found = {name for name in names if name.endswith("_trgm")}
    both = {"ix_authors_sort_key_trgm", "ix_books_sort_key_trgm"}
    assert found == (both if shelf.place.kind == "postgresql" else set())


def has_the_words_of_keys_on_postgresql(shelf: Shelf) -> None:
    tables: Any = shelf.schema()
    if shelf.place.kind == "sqlite":
        assert not DERIVED & tables.keys()
        return
    names = {name for table in tables.values() for name, _, _ in table["indexes"]}
    assert {name for name in names if re.search("words|trgm", name)} == {
        *("ix_authors_words", "ix_books_words"),
        *("ix_words_of_authors_word", "ix_words_of_books_word"),
        *("ix_words_of_authors_word_trgm", "ix_words_of_books_word_trgm"),
    }
    with shelf.engine.connect() as connection:
        for table in ("authors", "books"):
            words = {word for row in shelf.rows()[table] for word in row["sort_key"].split()}
            known = connection.scalars(text(f"SELECT word FROM words_of_{table}"))
            assert sorted(known) == sorted(words)
        targets = "SELECT attname FROM pg_attribute WHERE attstattarget = 400 ORDER BY attname"
        columns = connection.scalars(text(targets)).all()
        assert [name for name in columns if name.endswith("key")] == [
            *("author_key", "sort_key", "sort_key")
        ]


def has_places_on_postgresql(shelf: Shelf) -> None:
    tables: Any = shelf.schema()
    names = {name for table in tables.values() for name, _, _ in table["indexes"]}
    found = {name for name in names if name.endswith("_places")}
    both = {"ix_authors_places", "ix_books_places"}
    assert found == (both if shelf.place.kind == "postgresql" else set())


A_SHELF: Rows = {
    **at_0003(("Ann", "ann"), ("Bo", "bo")),
    "users": [ANN, {**ANN, "email": "bo@b.org", "fs_uniquifier": "e"}],
    "sign_in_tries": [{"account": name, "moments": "[]", "last_at": MOMENT} for name in ("a", "b")],
}
SOME_KEYS: Rows = {
    **A_SHELF,
    **at_0003(
        *(("x", key) for key in ("two towers the", "towers", "c++", "???", "村上 春樹")),
        ("soon deleted", "deleted"),
    ),
}
FROM_NEW_ZEALAND: Rows = {
    **A_SHELF,
    "authors": [{**row, "country": "NZ"} for row in A_SHELF["authors"]],
}
MORE_OF_ALL: Rows = {
    **at_0003(("New", "new")),
    "users": [{**ANN, "email": "new@b.org", "fs_uniquifier": "new"}],
    "sign_in_tries": [{"account": "new", "moments": "[]", "last_at": MOMENT}],
}


PROOFS: dict[str, Proof] = {
    "0001": Proof({}, populated(), begins_empty),
    "0002": Proof(populated(), one_of_each({"country": "SUHH"}, {}), knows_no_country),
    "0003": Proof(
        populated(country="NG"),
        one_of_each(
            {"sort_name": "New", "sort_key": "new", "version": 7},
            {"sort_key": "new", "isbn": "9780261102361", "year": -700, "language": "eng"},
        ),
        fills_in_the_catalogue,
    ),
    "0004": Proof(
        at_0003(*UNFOLDED, (ROUGH, ROUGH), ("Tolkien, J. R. R.", "tolkien j r r"), ("x", "x")),
        at_0003(("New", "new")),
        folds_more_letters,
        rewrites="sort_key",
    ),
    "0005": Proof(
        at_0003(("Ann", "ann"), ("Bo", "bo")),
        {
            "users": [{**ANN, "email": "a@b.org"}, {**ANN, "fs_uniquifier": "e"}],
            "sign_in_tries": [
                {"account": name, "moments": "[]", "last_at": MOMENT} for name in ("a", "b")
            ],
            **at_0003(("New", "new")),
        },
        knows_nobody,
    ),
    "0006": Proof(A_SHELF, MORE_OF_ALL, has_an_index_for_each_order),
    "0007": Proof(A_SHELF, MORE_OF_ALL, has_trigrams_on_postgresql),
    "0008": Proof(FROM_NEW_ZEALAND, MORE_OF_ALL, knows_the_author_of_each_book),
    "0009": Proof(SOME_KEYS, MORE_OF_ALL, has_the_words_of_keys_on_postgresql),
    "0010": Proof(SOME_KEYS, MORE_OF_ALL, has_places_on_postgresql),
}


@pytest.mark.filterwarnings("ignore:Skipped unsupported reflection of expression-based index")
@pytest.mark.parametrize("revision", PROOFS)
def test_a_revision_keeps_every_row_both_ways(revision: str, shelf: Shelf) -> None:
    proof, below = PROOFS[revision], parent(shelf.script, revision)
    shelf.upgrade(below)
    shelf.add(proof.before)
    shelf.add_triggers()
    shelf.delete_newest()
    before, ids, schema = shelf.rows(), shelf.highest_ids(), shelf.schema()
    for row in chain.from_iterable(before.values()):
        row.pop(proof.rewrites or "", None)

    shelf.upgrade(revision)
    assert only_columns_of(before, shelf.rows()) == before
    assert shelf.highest_ids() | ids == shelf.highest_ids()
    proof.holds(shelf)
    grown = shelf.schema()

    shelf.add(proof.after)
    after, used = shelf.rows(), shelf.highest_ids()
    for table, highest in ids.items():
        assert after[table][-1]["id"] == (highest or 0) + 1, "an id was used twice"
    shelf.delete_newest()
    kept = {table: rows[:-1] for table, rows in after.items()}

    shelf.downgrade(below)
    assert only_columns_of(before, shelf.rows()) == only_columns_of(before, kept)
    assert shelf.rows().keys() == before.keys()
    assert shelf.schema() == schema
    assert shelf.highest_ids() == {table: used[table] for table in before}

    shelf.upgrade(revision)
    assert only_columns_of(before, shelf.rows()) == only_columns_of(before, kept)
    assert shelf.schema() == grown
    proof.holds(shelf)


def parent(script: ScriptDirectory, revision: str) -> str:
    """The revision below, or "base"."""
    below = script.get_revision(revision).down_revision
    assert below is None or isinstance(below, str), "a merge needs a proof of its own kind"
    return below or "base"


def only_columns_of(before: Mapping[str, list[Row]], rows: Mapping[str, list[Row]]) -> Rows:
    """Of these rows the tables and the columns that there were before."""
    return {
        table: [{column: row[column] for column in old[0]} for row in rows[table]]
        for table, old in before.items()
    }


def unproven(script: ScriptDirectory) -> set[str]:
    """The revisions without a proof."""
    return {revision.revision for revision in script.walk_revisions()} - PROOFS.keys()


def test_every_revision_has_a_proof() -> None:
    script = ScriptDirectory(str(ROOT / "migrations"))
    assert unproven(script) == set()
    assert len(PROOFS) == len(list(script.walk_revisions()))


def test_a_revision_without_a_proof_is_found(checkout: Path) -> None:
    plant(checkout, "0099", HEAD)
    assert unproven(ScriptDirectory(str(checkout / "migrations"))) == {"0099"}


def plant(checkout: Path, revision: str, below: str, name: str = "planted") -> Path:
    """Write a revision that does nothing."""
    lines = [
        f'revision = "{revision}"',
        f'down_revision = "{below}"',
        "def upgrade(): pass",
        "def downgrade(): pass",
    ]
    file = checkout / "migrations/versions" / f"{revision}_{name}.py"
    file.write_text("\n".join(lines))
    return file


def faults_in_names(versions: Path) -> list[str]:
    """What is wrong with the numbers of revisions and the names of their files."""
    files = sorted(versions.glob("*.py"))
    numbers = {file: str(assigned(file.read_text("utf-8")).get("revision")) for file in files}
    twice = [number for number, count in Counter(numbers.values()).items() if count > 1]
    wrong = [
        file.name
        for file, number in numbers.items()
        if not re.fullmatch(rf"{re.escape(number)}_[a-z0-9_]+\.py", file.name)
        or not re.fullmatch(r"\d{4}", number)
    ]
    return twice + wrong


def assigned(source: str) -> dict[str, object]:
    """The names at the top of some code that stand for a constant."""
    return {
        target.id: node.value.value
        for node in ast.parse(source).body
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant)
        for target in node.targets
        if isinstance(target, ast.Name)
    }


def test_every_revision_has_its_own_number_which_its_file_bears() -> None:
    assert len(list(VERSIONS.glob("*.py"))) >= 3
    assert faults_in_names(VERSIONS) == []


@pytest.mark.parametrize(
    ("revision", "name", "fault"),
    [
        ("0003", "again", "0003"),
        ("3f2a99", "hash", "3f2a99_hash.py"),
        ("0099", "Caps and spaces", "0099_Caps and spaces.py"),
    ],
)
def test_a_wrong_number_is_found(revision: str, name: str, fault: str, checkout: Path) -> None:
    file = plant(checkout, revision, "0002", name)
    assert faults_in_names(file.parent) == [fault]


def test_a_file_with_another_number_than_its_own_is_found(checkout: Path) -> None:
    file = plant(checkout, after_head(), HEAD)
    file.rename(file.with_name("9999_planted.py"))
    assert faults_in_names(file.parent) == ["9999_planted.py"]


def imports(source: str) -> set[str]:
    """The packages that some code imports, wherever in it."""
    found = set[str]()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        if isinstance(node, ast.ImportFrom):
            found.add((node.module or "").split(".")[0] if not node.level else ".")
    return found


def test_a_revision_imports_nothing_of_bookshelf() -> None:
    allowed = {"sqlalchemy", "alembic", *sys.stdlib_module_names}
    for file in VERSIONS.glob("*.py"):
        assert imports(file.read_text("utf-8")) <= allowed, file.name


def test_an_import_is_found_wherever_it_stands() -> None:
    assert imports("def f():\n    from bookshelf.core import text") == {"bookshelf"}
    assert imports("import config as c\nfrom . import x") == {"config", "."}


ORDINARY_NAMES = [
    "J. R. R. Tolkien",
    "Chimamanda Ngozi Adichie",
    "Ursula K. Le Guin",
    "Gabriel García Márquez",
    "Martin Luther King Jr.",
    "Wisława Szymborska",
    "Halldór Laxness",
    "Jo Nesbø",
    "Plato",
    "Francis of Assisi",
    "村上春樹",
    "한강",
    "Murasaki Shikibu",
]
ORDINARY_TITLES = [
    "The Two Towers",
    "A Game of Thrones",
    "An Artist of the Floating World",
    "Half of a Yellow Sun",
    "Harry Potter and the Philosopher's Stone",
    "Cien años de soledad",
    "Thérèse Raquin",
    "Nineteen Eighty-Four",
    "1Q84",
    "百年の孤独",
]
# Elsewhere the frozen functions of 0003 may differ from those of the app, which learn: the app
# knows the articles of other languages and more particles, and finds an author by both names.


def test_0003_fills_in_what_the_app_would_for_ordinary_names_and_titles() -> None:
    frozen = ScriptDirectory(str(ROOT / "migrations")).get_revision("0003").module
    for name in ORDINARY_NAMES:
        sort_name = propose_sort_name(name)
        assert frozen.sort_name(name) == sort_name
        assert frozen.sort_key(sort_name) == author_key(name, sort_name)
    for title in ORDINARY_TITLES:
        assert frozen.sort_key(frozen.without_article(title)) == title_key(title, None)


def test_the_names_of_constraints_and_indexes_are_those_of_the_models(shelf: Shelf) -> None:
    shelf.upgrade("head")
    for name, table in db.metadata.tables.items():
        found: Any = shelf.schema()[name]
        indexes = {(index.name, tuple(index.columns.keys())) for index in table.indexes}
        assert {(index, tuple(columns)) for index, columns, _ in found["indexes"]} >= indexes
        constraints = {found["primary key"][0] or table.primary_key.name}  # SQLite's has none
        constraints |= {entry[0] for entry in found["references"] + found["uniques"]}
        constraints |= set(re.findall(r"ck_\w+", str(found["checks"])))
        assert constraints == {constraint.name for constraint in table.constraints}


@pytest.mark.parametrize("revision", ["0001", "0002"])
def test_the_database_fills_in_when_a_row_was_added(revision: str, shelf: Shelf) -> None:
    shelf.upgrade(revision)
    shelf.add({"authors": [{"name": "A"}], "books": [{"title": "B", "author_id": 1}]})
    assert all(rows[0]["created_at"] for rows in shelf.rows().values())


ORPHAN = "INSERT INTO books (title, author_id) VALUES ('Lost', 999)"


@pytest.mark.parametrize("direction", ["upgrade", "downgrade"])
def test_a_row_without_its_parent_stops_sqlite_and_nothing_changes(
    direction: str, create_place: Callable[[str], Place]
) -> None:
    with shelf_at(create_place("sqlite")) as shelf:
        shelf.upgrade("0002")
        shelf.do(ORPHAN)
        before = shelf.rows(), shelf.schema(), shelf.highest_ids()
        with pytest.raises(CommandError, match="in books: row 1, to authors") as stopped:
            shelf.upgrade("head") if direction == "upgrade" else shelf.downgrade("0001")
        assert "nothing was changed" in str(stopped.value)
        assert "\n" not in str(stopped.value)
        assert (shelf.rows(), shelf.schema(), shelf.highest_ids()) == before
        assert shelf.revision() == "0002"


def test_a_name_too_long_for_what_was_before_is_never_cut(shelf: Shelf) -> None:
    shelf.upgrade("0003")
    author = {"name": "n" * 250, "sort_name": "n", "sort_key": "n"}
    shelf.add({"authors": [author]})
    before, schema = shelf.rows(), shelf.schema()
    if shelf.place.kind == "sqlite":  # which keeps to no length
        shelf.downgrade("0002")
        assert shelf.rows()["authors"][0]["name"] == "n" * 250
        return
    with pytest.raises(CommandError, match="too long for type character varying") as stopped:
        shelf.downgrade("0002")
    assert "\n" not in str(stopped.value)
    assert (shelf.rows(), shelf.schema(), shelf.revision()) == (before, schema, "0003")


@pytest.mark.parametrize("start", ["0001", "0002"])
def test_flask_db_upgrade_reaches_head_unaided_from_a_populated_revision(
    start: str, shelf: Shelf, checkout: Path
) -> None:
    shelf.upgrade(start)
    shelf.add(populated())
    before = shelf.rows()
    run_flask(checkout, shelf.place, "db upgrade")
    assert only_columns_of(before, shelf.rows()) == before
    assert shelf.revision() == HEAD


def sql(shelf: Shelf, direction: Callable[..., None], steps: str) -> str:
    """What `flask db ... --sql` writes."""
    shelf.config.output_buffer = io.StringIO()
    direction(shelf.config, steps, sql=True)
    return shelf.config.output_buffer.getvalue()


def run_script(place: Place, script: str) -> None:
    """Run a script as a whole, as an administrator does."""
    if place.kind == "sqlite":
        with closing(sqlite3.connect(str(make_url(place.migrating).database))) as file:
            file.executescript(script)
        return
    with closing(psycopg2.connect(place.migrating)) as server:
        server.autocommit = True
        for statement in script.split(";\n"):  # as psql, for CREATE INDEX CONCURRENTLY to be alone
            if re.sub("--.*", "", statement).strip():
                server.cursor().execute(statement)


def test_every_revision_can_be_written_as_sql_which_does_the_same(
    shelf: Shelf, create_place: Callable[[str], Place]
) -> None:
    by_hand = create_place(shelf.place.kind)
    engine = direct.engine_for(make_url(by_hand.app().config["MIGRATING_URL"]))
    offline = Shelf(by_hand, shelf.config, engine)
    revisions = [revision.revision for revision in shelf.script.walk_revisions()][::-1]
    for below, revision in zip(["base", *revisions], revisions, strict=False):
        run_script(by_hand, sql(shelf, command.upgrade, f"{below}:{revision}"))
        shelf.upgrade(revision)
        assert (offline.schema(), offline.revision()) == (shelf.schema(), revision)
    for revision, below in zip(revisions[::-1], [*revisions[-2::-1], "base"], strict=True):
        run_script(by_hand, sql(shelf, command.downgrade, f"{revision}:{below}"))
        shelf.downgrade(below)
        assert (offline.schema(), offline.revision()) == (shelf.schema(), shelf.revision())


def test_sql_that_cannot_fill_in_keys_loses_no_row_though_errors_are_ignored(shelf: Shelf) -> None:
    """As the shells of both databases ignore them, unless they are told to stop."""
    shelf.upgrade("0002")
    shelf.add({table: rows[:5] for table, rows in populated().items()})
    before, script = shelf.rows(), sql(shelf, command.upgrade, "0002:0003")
    if shelf.place.kind == "sqlite":
        path = str(make_url(shelf.place.migrating).database)
        with closing(sqlite3.connect(path, isolation_level=None)) as file:
            run_each(file.execute, script, sqlite3.Error)
    else:
        with closing(psycopg2.connect(shelf.place.migrating)) as server:
            server.autocommit = True
            run_each(server.cursor().execute, script, psycopg2.Error)
    assert only_columns_of(before, shelf.rows()) == before


def run_each(execute: Callable[[str], object], script: str, error: type[Exception]) -> None:
    """Execute one statement after the other, whatever becomes of it."""
    for statement in script.split(";\n"):
        try:
            execute(statement)
        except error as problem:
            print(problem)


ALL_TABLES = """
import pkgutil, importlib, bookshelf.app
from bookshelf.core import text as text_module
from bookshelf.core.db import db
known = set(db.metadata.tables)
for module in pkgutil.walk_packages(bookshelf.__path__, "bookshelf."):
    importlib.import_module(module.name)
print(sorted(known), sorted(db.metadata.tables))
assert known == set(db.metadata.tables) and known
"""


def test_the_app_knows_every_model_that_there_is() -> None:
    program = [sys.executable, "-c", ALL_TABLES]
    result = subprocess.run(program, cwd=ROOT, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr
