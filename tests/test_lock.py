"""One migration at a time, in a process and among processes; who waits is told for whom."""

import contextlib
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextvars import copy_context
from pathlib import Path
from typing import Any

import forked
import psycopg2
import pytest
from alembic import command
from alembic.util import CommandError
from conftest import HEAD, REVISIONS, Place, after_head, ask, migrating, plant, writing
from flask import Flask
from flask_migrate.cli import db as db_group

from bookshelf.schema import lock

ROUNDS = 10
AT_ONCE = 8
ALL_REVISIONS = {revision.revision for revision in REVISIONS.walk_revisions()}


@contextlib.contextmanager
def another_migration(place: Place) -> Iterator[psycopg2.extensions.connection]:
    """Somebody else holds the lock of migrations."""
    with contextlib.closing(psycopg2.connect(place.migrating)) as other:
        other.autocommit = True
        other.cursor().execute(f"SELECT pg_advisory_lock({lock.KEY})")
        yield other


def test_who_comes_second_waits_and_is_told_for_whom(
    server_place: Place, capsys: pytest.CaptureFixture[str]
) -> None:
    with migrating(server_place) as config, another_migration(server_place) as other:
        pid = other.info.backend_pid
        release = f"SELECT pg_advisory_unlock({lock.KEY})"
        ending = threading.Timer(1, other.cursor().execute, (release,))
        ending.start()
        command.upgrade(config, "head")
        ending.join()
    assert ask(server_place, "SELECT version_num FROM alembic_version") == [(HEAD,)]
    said = capsys.readouterr().err
    assert said.count("waiting for another migration to end") == 1
    assert f"pid {pid} from 127.0.0.1, connected since " in said


def test_it_does_not_wait_for_ever(server_place: Place) -> None:
    with (
        migrating(server_place, MIGRATION_WAIT_S=0) as config,
        another_migration(server_place) as other,
        pytest.raises(CommandError, match=f"pid {other.info.backend_pid} .*nothing was changed"),
    ):
        command.upgrade(config, "head")
    assert ask(server_place, "SELECT to_regclass('authors')") == [(None,)]


def test_one_that_ends_releases_the_lock_though_it_failed(
    server_place: Place, checkout: Path
) -> None:
    plant(checkout, after_head(), HEAD, 'op.execute("SELECT gone")')
    with migrating(server_place, checkout, MIGRATION_WAIT_S=0) as config:
        for _ in range(2):
            with pytest.raises(CommandError, match="gone"):
                command.upgrade(config, "head")


def test_commands_that_only_read_wait_for_nobody(server_place: Place) -> None:
    with (
        migrating(server_place, MIGRATION_WAIT_S=30) as config,
        another_migration(server_place),
    ):
        begun = time.monotonic()
        command.current(config)
        command.history(config, indicate_current=True)
        assert time.monotonic() - begun < 10


def write_for_a_while(place: Place, busy: threading.Event) -> None:
    """Hold the write lock for longer than the busy time-out of 5 s."""
    with writing(place):
        busy.set()
        time.sleep(6)


def test_on_sqlite_it_waits_for_whoever_writes(
    sqlite_place: Place, capsys: pytest.CaptureFixture[str]
) -> None:
    with migrating(sqlite_place) as config:
        command.upgrade(config, "0002")
        busy = threading.Event()
        other = threading.Thread(target=write_for_a_while, args=(sqlite_place, busy))
        other.start()
        assert busy.wait(10)
        command.upgrade(config, "head")
        other.join()
    assert ask(sqlite_place, "SELECT version_num FROM alembic_version") == [(HEAD,)]
    assert "waiting for another process, which writes" in capsys.readouterr().err


def test_several_threads_of_a_process_migrate_one_after_the_other(
    create_place: Callable[[str], Place],
) -> None:
    """Alembic keeps the running migration in global names; each thread has a database here."""
    places = [create_place("sqlite") for _ in range(4)]
    threads = [
        threading.Thread(target=copy_context().run, args=(upgrade, place.app())) for place in places
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for place in places:
        assert ask(place, "SELECT version_num FROM alembic_version") == [(HEAD,)]


def upgrade(app: Flask) -> None:
    """Run `flask db upgrade` in this thread."""
    with app.app_context():
        db_group.main(["upgrade"], standalone_mode=False)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_of_eight_at_once_all_end_well_and_each_revision_runs_once(
    kind: str, create_place: Callable[[str], Place], tmp_path: Path
) -> None:
    for turn in range(ROUNDS):
        place = create_place(kind)
        env = {"DATABASE_URL": place.serving, "SECRET_KEY": "only-for-tests"}
        files = [tmp_path / f"{turn}-{number}.txt" for number in range(AT_ONCE)]
        started: list[Any] = [forked.start(["db", "upgrade"], env, file) for file in files]
        for process in started:
            process.join(120)
        said = "".join(file.read_text() for file in files)
        assert [process.exitcode for process in started] == [0] * AT_ONCE, said
        ran = Counter(line.split(",")[0][-4:] for line in said.splitlines() if "Running" in line)
        assert ran == Counter(ALL_REVISIONS), said
