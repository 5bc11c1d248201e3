"""A migration that is killed at any moment leaves a database that the next one completes."""

import random
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import forked
import pytest
from alembic import command
from conftest import HEAD, Place, ask, execute, migrating
from sqlalchemy import make_url

TURNS = 12
ROWS = 3000
FILLED = {
    "authors": "INSERT INTO authors (name, country) SELECT 'Writer ' || n, 'NG' FROM numbers",
    "books": "INSERT INTO books (title, author_id) SELECT 'The Volume ' || n, n FROM numbers",
}
NUMBERS = f"""WITH RECURSIVE numbers (n) AS (
    SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < {ROWS}) """


def populated(place: Place) -> Place:
    """A database from before the catalogue, with rows that its revision has to fill in."""
    with migrating(place) as config:
        command.upgrade(config, "0002")
    for statement in FILLED.values():
        ask(place, with_numbers(place, statement))
    return place


def with_numbers(place: Place, statement: str) -> str:
    """The statement with its numbers, where each database wants them."""
    if place.kind == "sqlite":
        return NUMBERS + statement
    into, select, rest = statement.partition("SELECT")
    return f"{into}{NUMBERS}{select}{rest}"


def copy_of(place: Place, create_place: Callable[[str], Place], turn: int) -> Place:
    """The same database once more."""
    if place.kind == "sqlite":
        copy = create_place("sqlite")
        shutil.copy(file_of(place), file_of(copy))
        return copy
    name = make_url(place.migrating).database
    server = place.migrating.rpartition("/")[0]
    execute(f"{server}/postgres", f"CREATE DATABASE {name}_{turn} TEMPLATE {name}")
    return Place(place.kind, f"{server}/{name}_{turn}", f"{server}/{name}_{turn}")


def file_of(place: Place) -> str:
    """Where a database on SQLite is."""
    return str(make_url(place.migrating).database)


def upgraded(place: Place, said: Path, most: float) -> tuple[int | None, float]:
    """Run `flask db upgrade`, killed after some seconds: its exit code, and the seconds it took."""
    env = {"DATABASE_URL": place.serving, "SECRET_KEY": "only-for-tests", "MIGRATION_WAIT_S": "60"}
    began = time.monotonic()
    running = forked.start(["db", "upgrade"], env, said)
    running.join(most)
    running.kill()
    running.join()
    return running.exitcode, time.monotonic() - began


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_the_next_upgrade_completes_what_was_killed_at_any_moment(
    kind: str, create_place: Callable[[str], Place], tmp_path: Path
) -> None:
    original, said = populated(create_place(kind)), tmp_path / "said.txt"
    calm = copy_of(original, create_place, 0)
    _, whole = upgraded(calm, said, 90)
    chance, kills = random.Random(4), 0
    for turn in range(1, TURNS + 1):
        place = copy_of(original, create_place, turn)
        code, took = upgraded(place, said, chance.uniform(0.1, 1) * whole)
        kills += code == -9
        whole = min(whole, took) if code == 0 else whole  # the first waits for a fork server
        assert upgraded(place, said, 90)[0] == 0, said.read_text()
        assert ask(place, "SELECT version_num FROM alembic_version") == [(HEAD,)]
        assert ask(place, ROWS_OF) == ask(calm, ROWS_OF)
        assert shape(place) == shape(calm)
    assert kills >= TURNS / 2  # it was killed at its work


ROWS_OF = """SELECT authors.id, name, country, authors.sort_key, books.id, title, books.sort_key
    FROM authors JOIN books ON author_id = authors.id ORDER BY books.id"""


def shape(place: Place) -> list[tuple[Any, ...]]:
    """Every table and index that is there; on PostgreSQL, whether it may be used."""
    if place.kind == "sqlite":
        return ask(place, "SELECT name, sql FROM sqlite_master ORDER BY name")
    query = """SELECT relname, relkind, indisvalid FROM pg_class
        LEFT JOIN pg_index ON indexrelid = pg_class.oid
        WHERE relnamespace = 'public'::regnamespace ORDER BY relname"""
    return ask(place, query)
