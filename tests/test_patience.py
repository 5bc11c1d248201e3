"""A migration that finds a table in use gives way, comes back, and says who was there."""

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from contextvars import copy_context
from functools import partial
from pathlib import Path
from typing import Any

import psycopg2
import pytest
from alembic import command
from alembic.util import CommandError
from conftest import HEAD, Place, after_head, ask, migrating, plant

SOON: dict[str, Any] = {"MIGRATION_LOCK_TIMEOUT_MS": 200, "MIGRATION_LOCK_ATTEMPTS": 2}
PATIENT: dict[str, Any] = SOON | {"MIGRATION_LOCK_ATTEMPTS": 8}
ONE = 'op.add_column("books", sa.Column("pages", sa.Integer()))'
OTHER = 'op.add_column("authors", sa.Column("born", sa.Integer()))'


@pytest.fixture
def two_tables(checkout: Path) -> Path:
    """A project with a revision for books, and one after it for authors."""
    plant(checkout, after_head(), HEAD, ONE, 'op.drop_column("books", "pages")')
    plant(checkout, after_head(2), after_head(), OTHER, 'op.drop_column("authors", "born")')
    return checkout


@contextlib.contextmanager
def reading(place: Place, table: str = "authors") -> Iterator[psycopg2.extensions.connection]:
    """Somebody has begun a transaction that reads a table, and left it open."""
    with contextlib.closing(psycopg2.connect(place.migrating)) as reader:
        reader.cursor().execute(f"SELECT 'a long report' FROM {table}")
        yield reader


def version(place: Place) -> str:
    """Where a database stands."""
    found: str = ask(place, "SELECT version_num FROM alembic_version")[0][0]
    return found


def test_it_gives_up_soon_and_names_who_is_in_the_way(
    two_tables: Path, server_place: Place
) -> None:
    with migrating(server_place, two_tables, **SOON) as config:
        command.upgrade(config, HEAD)
        with reading(server_place) as reader:
            pid = reader.info.backend_pid
            begun = time.monotonic()
            with pytest.raises(CommandError, match="due to lock timeout") as gave_up:
                command.upgrade(config, "head")
            took = time.monotonic() - begun
    said = str(gave_up.value)
    assert f"pid {pid} (idle in transaction, since " in said
    assert "UTC: SELECT 'a long report' FROM authors)" in said
    assert "after 2 attempts" in said
    assert "\n" not in said
    assert took < 10  # of itself it would try for half a minute
    assert version(server_place) == after_head()  # the first revision is done


def test_nobody_queues_behind_it_for_longer_than_the_lock_time_out(
    two_tables: Path, server_place: Place
) -> None:
    with migrating(server_place, two_tables, **SOON) as config:
        command.upgrade(config, HEAD)
        with reading(server_place):
            fail = partial(swallow, partial(command.upgrade, config, "+2"))
            failing = threading.Thread(target=copy_context().run, args=(fail,))
            waits = []
            failing.start()
            while failing.is_alive():
                begun = time.monotonic()
                ask(server_place, "SELECT count(*) FROM authors")
                waits.append(time.monotonic() - begun)
            failing.join()
    assert 0.05 < max(waits) < 1.2  # it did wait in line once


def swallow(run: Callable[[], None]) -> None:
    """Run what is expected to give up."""
    with contextlib.suppress(CommandError):
        run()


def test_it_comes_back_until_the_table_is_free(
    two_tables: Path, server_place: Place, capsys: pytest.CaptureFixture[str]
) -> None:
    with migrating(server_place, two_tables, **PATIENT) as config:
        command.upgrade(config, HEAD)
        with reading(server_place) as reader:
            leaving = threading.Timer(1, reader.rollback)
            leaving.start()
            command.upgrade(config, "head")
            leaving.join()
    assert version(server_place) == after_head(2)
    said = capsys.readouterr().err
    assert "a table is in use by pid" in said
    assert "(attempt 2 of 8)" in said


@pytest.mark.parametrize("steps", ["-2", f"{after_head(2)}-2"])
def test_a_relative_move_that_went_a_part_of_the_way_is_not_tried_again(
    steps: str, two_tables: Path, server_place: Place
) -> None:
    """From its new place "-2" would go one revision too far."""
    with migrating(server_place, two_tables, **PATIENT) as config:
        command.upgrade(config, "head")
        with (
            reading(server_place, "books"),
            pytest.raises(CommandError, match="1 attempt; a part of the way is done"),
        ):
            command.downgrade(config, steps)
    assert version(server_place) == after_head()


def test_a_relative_move_that_did_nothing_yet_is_tried_again(
    two_tables: Path, server_place: Place
) -> None:
    with migrating(server_place, two_tables, **PATIENT) as config:
        command.upgrade(config, "head")
        with reading(server_place) as reader:
            leaving = threading.Timer(0.8, reader.rollback)
            leaving.start()
            command.downgrade(config, "-2")
            leaving.join()
    assert version(server_place) == HEAD


def test_what_is_not_about_locks_is_not_tried_again(checkout: Path, server_place: Place) -> None:
    plant(checkout, after_head(), HEAD, """op.execute("SELECT 1 / 0")""")
    with migrating(server_place, checkout) as config:
        begun = time.monotonic()
        with pytest.raises(CommandError, match="division by zero"):
            command.upgrade(config, "head")
        assert time.monotonic() - begun < 5
