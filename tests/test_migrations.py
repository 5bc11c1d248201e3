"""The history as a whole: it leads to the models, from any revision and back, also as SQL."""

import io
import re
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg2
import pytest
from alembic import command
from alembic.config import Config
from alembic.util import CommandError
from conftest import HEAD, ROOT, Place, run_flask
from pytest_alembic.tests import (  # noqa: F401
    test_model_definitions_match_ddl,
    test_single_head_revision,
    test_up_down_consistency,
    test_upgrade,
)
from pytest_alembic.tests.experimental import test_downgrade_leaves_no_trace  # noqa: F401
from shelves import (
    Shelf,
    empty_shelf,  # noqa: F401  # the fixture `shelf`
    only_columns_of,
    populated,
    shelf_at,
)
from sqlalchemy import Engine, make_url

from bookshelf.core.db import db
from bookshelf.schema import direct


@pytest.fixture
def alembic_config(shelf: Shelf) -> Config:
    """What pytest-alembic's own tests run with."""
    return shelf.config


@pytest.fixture
def alembic_engine(shelf: Shelf) -> Engine:
    """The database on which pytest-alembic's own tests run."""
    return shelf.engine


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
