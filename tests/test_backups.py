"""Backups of a SQLite file: made under load, kept apart, put back while pages are served."""

import contextlib
import re
import sqlite3
import threading
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from stat import S_IMODE
from typing import Any

import pytest
from alembic import command
from alembic.util import CommandError
from conftest import HEAD, Place, ask, migrating
from flask import Flask
from house import HousekeepingClient
from sqlalchemy import URL, make_url

from bookshelf.core.db import db
from bookshelf.schema import backups, commands

MINUTE = 60


@pytest.fixture
def url(tmp_path: Path) -> URL:
    """A small SQLite file at revision 0007, with one row."""
    url = make_url(f"sqlite:///{tmp_path}/shelf.db")
    with opened(url) as shelf:
        shelf.execute("PRAGMA journal_mode = WAL")
        shelf.execute("CREATE TABLE alembic_version (version_num VARCHAR(32))")
        shelf.execute("INSERT INTO alembic_version VALUES ('0007')")
        shelf.execute("CREATE TABLE books (title TEXT)")
        shelf.execute("INSERT INTO books VALUES ('Emma')")
    return url


@contextlib.contextmanager
def opened(url: URL | Path) -> Iterator[sqlite3.Connection]:
    """A connection of somebody else."""
    file = url.database if isinstance(url, URL) else url
    with contextlib.closing(sqlite3.connect(str(file), isolation_level=None)) as connection:
        yield connection


def titles(url: URL | Path) -> list[str]:
    """The books in a file."""
    with opened(url) as shelf:
        return [row[0] for row in shelf.execute("SELECT title FROM books ORDER BY title")]


def add(url: URL, title: str) -> None:
    """Add a book."""
    with opened(url) as shelf:
        shelf.execute("INSERT INTO books VALUES (?)", [title])


def made(url: URL) -> backups.Backup:
    """Make a backup, which is then the newest."""
    path = backups.make(url)
    newest = backups.kept(url)[0]
    assert newest.path == path
    return newest


def test_a_backup_tells_when_it_was_made_at_which_revision_and_is_for_its_owner(url: URL) -> None:
    backup = made(url)
    assert abs(backup.made_at.timestamp() - time.time()) < MINUTE
    assert backup.revision == "0007"
    assert backup.size == backup.path.stat().st_size > 0
    assert S_IMODE(backup.path.stat().st_mode) == 0o600
    assert S_IMODE(backup.path.parent.stat().st_mode) == 0o700
    assert titles(backup.path) == ["Emma"]


def test_a_backup_waits_for_nobody_and_has_what_is_committed(url: URL) -> None:
    with opened(url) as writer:
        writer.execute("BEGIN IMMEDIATE")
        writer.execute("INSERT INTO books VALUES ('Half')")
        begun = time.monotonic()
        assert titles(made(url).path) == ["Emma"]
        assert time.monotonic() - begun < 4  # it would wait for 5 s
        writer.execute("COMMIT")
    assert titles(url) == ["Emma", "Half"]


def test_the_newest_five_are_kept_and_two_in_one_second_are_two(url: URL) -> None:
    paths = [made(url).path for _ in range(7)]
    assert [backup.path for backup in backups.kept(url)] == paths[:1:-1]


def test_databases_in_one_folder_never_mix(url: URL) -> None:
    other = make_url(f"sqlite:///{Path(str(url.database)).with_name('shelf.db-20.db')}")
    with opened(other) as shelf:
        shelf.execute("CREATE TABLE books (title TEXT)")
    first = made(url)
    others = [made(other).path for _ in range(6)]
    assert [backup.path for backup in backups.kept(url)] == [first.path]
    assert [backup.path for backup in backups.kept(other)] == others[:0:-1]
    assert backups.kept(other)[0].revision == "base"


def test_what_holds_nothing_is_not_backed_up(tmp_path: Path) -> None:
    assert backups.make(make_url(f"sqlite:///{tmp_path}/new.db")) is None
    assert backups.make(make_url("postgresql+psycopg2://127.0.0.1:1/nowhere")) is None


def test_what_a_killed_backup_left_does_not_spoil_the_next(url: URL) -> None:
    folder = made(url).path.parent
    for ending in ("", "-journal", "-wal"):
        (folder / f".shelf.db.part{ending}").write_bytes(b"rubbish" * 999)
    assert titles(made(url).path) == ["Emma"]
    assert len(backups.kept(url)) == 2


def test_a_folder_that_takes_nothing_is_told_in_one_line(url: URL) -> None:
    Path(str(url.database)).with_name("backups").write_text("a file in its place")
    with pytest.raises(CommandError, match=r"could not be backed up into .*nothing was changed"):
        backups.make(url)


def test_a_backup_is_put_back_and_what_it_replaces_is_kept(url: URL) -> None:
    backup = made(url)
    add(url, "Persuasion")
    replaced = backups.restore(backup, url)
    assert titles(url) == ["Emma"]
    assert replaced == backups.kept(url)[0].path
    assert titles(replaced) == ["Emma", "Persuasion"]
    backups.restore(backups.kept(url)[0], url)
    assert titles(url) == ["Emma", "Persuasion"]


def test_putting_back_the_oldest_does_not_lose_it(url: URL) -> None:
    oldest, *_ = [made(url) for _ in range(backups.NEWEST)]
    backups.restore(oldest, url)
    assert oldest in backups.kept(url)


def test_who_reads_meanwhile_goes_on_with_what_they_saw(url: URL) -> None:
    backup = made(url)
    add(url, "Persuasion")
    with opened(url) as reader:
        reader.execute("BEGIN")
        seen = "SELECT count(*) FROM books"
        assert reader.execute(seen).fetchone() == (2,)
        backups.restore(backup, url)
        assert reader.execute(seen).fetchone() == (2,)
        reader.execute("COMMIT")
        assert reader.execute(seen).fetchone() == (1,)


def test_nothing_that_is_saved_while_a_backup_is_put_back_is_lost(url: URL) -> None:
    """Each book is in the database afterwards, or in the backup of what was replaced."""
    with opened(url) as shelf:
        shelf.executemany("INSERT INTO books VALUES (?)", [["x" * 500]] * 2000)
    backup, saved, done = made(url), ["Emma"], threading.Event()

    def write() -> None:
        while not done.is_set():
            add(url, title := f"Volume {len(saved)}")
            saved.append(title)

    writer = threading.Thread(target=write)
    writer.start()
    while len(saved) < 20:
        time.sleep(0.001)
    replaced = backups.restore(backup, url)
    done.set()
    writer.join()
    assert replaced
    assert set(saved) <= {*titles(url), *titles(replaced)}
    assert len(set(titles(replaced))) > 20


def test_a_database_that_is_being_written_is_not_replaced(
    url: URL, monkeypatch: pytest.MonkeyPatch
) -> None:
    backup = made(url)
    hurried = partial(sqlite3.connect, timeout=0.05)
    with opened(url) as writer:
        writer.execute("BEGIN IMMEDIATE")
        writer.execute("INSERT INTO books VALUES ('Half')")
        monkeypatch.setattr(sqlite3, "connect", hurried)
        with pytest.raises(CommandError, match="somebody else is writing"):
            backups.restore(backup, url)
        writer.execute("COMMIT")
    assert titles(url) == ["Emma", "Half"]


def test_a_disk_that_fails_midway_leaves_everything_as_it_was(
    url: URL, monkeypatch: pytest.MonkeyPatch
) -> None:
    backup = made(url)
    add(url, "Persuasion")

    def fail(*args: object) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr(backups, "copy", fail)
    with pytest.raises(CommandError, match=r"could not be put back .no space left"):
        backups.restore(backup, url)
    assert titles(url) == ["Emma", "Persuasion"]


def test_a_backup_comes_back_where_the_file_is_gone(url: URL) -> None:
    backup = made(url)
    for ending in ("", "-wal", "-shm"):
        Path(f"{url.database}{ending}").unlink(missing_ok=True)
    assert backups.restore(backup, url) is None
    assert titles(url) == ["Emma"]


def flask_db(app: Flask, *args: str, status: int = 0) -> str:
    """What a command of the group prints."""
    result = app.test_cli_runner().invoke(args=["db", *args])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    assert result.exit_code == status, result.output
    return result.output


@pytest.fixture
def shelf(create_place: Any) -> Place:
    """A migrated SQLite file with one author."""
    place: Place = create_place("sqlite")
    with migrating(place) as config:
        command.upgrade(config, "head")
    ask(place, "INSERT INTO authors (name, sort_name, sort_key) VALUES ('Ann Lee', 'Lee', 'lee')")
    return place


def test_the_pages_show_what_was_put_back_without_a_new_start(shelf: Place) -> None:
    app = shelf.app()
    url = make_url(shelf.serving)
    name = made(url).path.name
    client = HousekeepingClient(app, app.response_class)
    ask(shelf, "UPDATE authors SET sort_name = 'Li'")
    assert "Li</a>" in client.get("/authors/").text
    said = flask_db(app, "restore", name, "--yes").splitlines()
    assert name in said[0]
    assert said[1] == f"Restored: the database is at {HEAD}."
    assert said[2] == f"What was there before: flask db restore {backups.kept(url)[0].path.name}"
    page = client.sign_in("editor").get("/authors/").text
    assert "Lee</a>" in page
    client.submit("/authors/new", name="Bo Li")
    assert ask(shelf, "SELECT count(*) FROM authors") == [(2,)]
    with app.app_context():
        db.engine.dispose()


def test_a_backup_of_an_older_revision_says_how_to_go_on(create_place: Any) -> None:
    """Made by the migration, of what was there before."""
    place: Place = create_place("sqlite")
    with migrating(place) as config:
        command.upgrade(config, "0003")
        assert backups.kept(make_url(place.serving)) == []  # there was nothing to lose
        command.upgrade(config, "head")
    app = place.app()
    said = flask_db(app, "restore", "--yes").splitlines()
    assert said[1:3] == [
        "Restored: the database is at 0003.",
        f"The code needs {HEAD}: run `flask db upgrade`, or the release of then.",
    ]
    assert ask(place, "SELECT version_num FROM alembic_version") == [("0003",)]
    with migrating(place) as config:
        command.upgrade(config, "head")
    assert [backup.revision for backup in backups.kept(make_url(place.serving))] == [
        "0003",
        HEAD,
        "0003",
    ]


@pytest.mark.parametrize(("typed", "left"), [("n\n", "Bo Li"), ("y\n", "Ann Lee")])
def test_at_a_terminal_it_asks_first(
    typed: str, left: str, shelf: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    made(make_url(shelf.serving))
    ask(shelf, "UPDATE authors SET name = 'Bo Li'")
    monkeypatch.setattr(commands, "_at_a_terminal", lambda: True)
    result = shelf.app().test_cli_runner().invoke(args=["db", "restore"], input=typed)
    assert "What was saved since will be gone from the pages [y/N]" in result.output
    assert ask(shelf, "SELECT name FROM authors") == [(left,)]


def test_the_list_names_time_revision_and_size(shelf: Place) -> None:
    app = shelf.app()
    url = make_url(shelf.serving)
    made(url)
    made(url)
    lines = flask_db(app, "backups").splitlines()
    assert [line.split()[-1] for line in lines] == [kept.path.name for kept in backups.kept(url)]
    for line in lines:
        assert re.match(rf"\d{{4}}-\d\d-\d\d \d\d:\d\d:\d\d UTC  at {HEAD} +\d+ KB  ", line)


def test_without_a_terminal_nothing_is_put_back_unless_told(shelf: Place) -> None:
    app = shelf.app()
    made(make_url(shelf.serving))
    ask(shelf, "UPDATE authors SET name = 'Bo Li'")
    assert "run it again with --yes" in flask_db(app, "restore", status=1)
    assert ask(shelf, "SELECT name FROM authors") == [("Bo Li",)]
    flask_db(app, "restore", "--yes")
    assert ask(shelf, "SELECT name FROM authors") == [("Ann Lee",)]


@pytest.mark.parametrize(("name", "lack"), [("", "no backup yet"), ("x.db", "no backup x.db")])
def test_a_backup_that_is_not_there_is_said_to_be_missing(
    name: str, lack: str, create_place: Any
) -> None:
    app = create_place("sqlite").app()
    assert flask_db(app, "backups").startswith("There is no backup yet")
    said = flask_db(app, "restore", *filter(None, [name]), "--yes", status=1)
    assert said.count("\n") == 1
    assert lack in said


@pytest.mark.parametrize("words", ["backups", "restore", "restore --yes"])
def test_on_postgresql_its_own_tools_are_named_in_one_line(words: str, create_place: Any) -> None:
    said = flask_db(create_place("postgresql").app(), *words.split(), status=1)
    assert said.count("\n") == 1
    assert re.search("pg_dump.*pg_restore.*Neon.*branch", said)
