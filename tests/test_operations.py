"""Indexes that are built while people write: what a broken build left is mended."""

import contextlib
import io
import threading
from pathlib import Path

import psycopg2
import pytest
from alembic import command
from conftest import HEAD, Place, after_head, ask, execute, migrating, plant

BUILD = """op.create_index_concurrently("ix_planted", "authors", ["bio"], unique=True)"""
ADD = "INSERT INTO authors (name, sort_name, sort_key, bio) VALUES ('A', 'A', 'a', 'same')"
DROP = """op.drop_index_concurrently("ix_planted", "authors")"""


@pytest.fixture
def indexing(checkout: Path) -> Path:
    """A project whose last revision builds a unique index."""
    plant(checkout, after_head(), HEAD, BUILD, DROP)
    return checkout


def has_index(place: Place) -> bool:
    """Whether the planted index is there, and used."""
    if place.kind == "sqlite":
        return bool(ask(place, "SELECT 1 FROM sqlite_master WHERE name = 'ix_planted'"))
    query = "SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass('ix_planted')"
    return ask(place, query) == [(True,)]


def test_an_index_is_built_and_dropped(indexing: Path, empty_place: Place) -> None:
    with migrating(empty_place, indexing) as config:
        command.upgrade(config, "head")
        assert has_index(empty_place)
        command.downgrade(config, "-1")
        assert not has_index(empty_place)
        command.upgrade(config, "head")
        assert has_index(empty_place)


def test_an_invalid_index_that_a_broken_build_left_is_built_anew(
    indexing: Path, server_place: Place
) -> None:
    with migrating(server_place, indexing) as config:
        command.upgrade(config, HEAD)
        for _ in range(2):
            ask(server_place, ADD)
        with pytest.raises(psycopg2.errors.UniqueViolation):
            execute(
                server_place.migrating,
                "CREATE UNIQUE INDEX CONCURRENTLY ix_planted ON authors (bio)",
            )
        ask(server_place, "DELETE FROM authors WHERE id = 2")
        assert not has_index(server_place)  # it is there, INVALID
        command.upgrade(config, "head")
    assert has_index(server_place)


def test_a_revision_whose_index_was_built_before_it_was_killed_runs_again(
    indexing: Path, server_place: Place
) -> None:
    with migrating(server_place, indexing) as config:
        command.upgrade(config, "head")
        command.stamp(config, HEAD)
        command.upgrade(config, "head")
    assert has_index(server_place)


def test_a_build_waits_longer_than_a_revision_may_for_a_table_while_others_write(
    indexing: Path, server_place: Place
) -> None:
    """Giving up after the lock time-out would leave an INVALID index."""
    with migrating(server_place, indexing) as config:
        command.upgrade(config, HEAD)
        with contextlib.closing(psycopg2.connect(server_place.migrating)) as writer:
            writer.cursor().execute("LOCK TABLE authors IN ROW EXCLUSIVE MODE")
            ending = threading.Timer(3, writer.rollback)
            writing = threading.Timer(1.5, ask, (server_place, ADD))
            for timer in (ending, writing):
                timer.start()
            command.upgrade(config, "head")
            for timer in (ending, writing):
                timer.join()
    assert has_index(server_place)
    assert ask(server_place, "SELECT count(*) FROM authors") == [(1,)]


def test_it_is_written_as_sql_outside_a_transaction(indexing: Path, server_place: Place) -> None:
    with migrating(server_place, indexing) as config:
        config.output_buffer = io.StringIO()
        command.upgrade(config, f"{HEAD}:{after_head()}", sql=True)
    written = config.output_buffer.getvalue()
    before, _, after = written.partition("CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS")
    assert "SET lock_timeout = 0;" in before.rpartition("COMMIT;")[2]
    assert "BEGIN;" in after
