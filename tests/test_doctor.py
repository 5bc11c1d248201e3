"""What `flask doctor` tells of each role of the database, and when it sees trouble."""

import contextlib
import json
import re
import socket
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path

import psycopg2
import pytest
import servers
from alembic import command
from conftest import HEAD, Place, ask, migrating, run_flask
from sqlalchemy import make_url

from bookshelf.core.db import db

Create = Callable[[str], Place]

KINDS = {
    "sqlite": ("a file", "a file"),
    "postgresql": ("direct", "direct"),
    "pgbouncer": (r"pooled \(it refuses start-up options\)", "direct"),
}


def examine(place: Place, **changes: object) -> tuple[int, list[str]]:
    """The exit code of `flask doctor` and its lines."""
    app = place.app(**changes)
    result = app.test_cli_runner().invoke(args=["doctor"])
    with app.app_context():
        db.engine.dispose()
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, result.stdout.splitlines()


def migrate(place: Place, revision: str) -> None:
    """Bring an empty place to a revision."""
    with migrating(place) as config:
        command.upgrade(config, revision)


def closed_port() -> int:
    """A port at which nothing listens."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port


@pytest.mark.parametrize("kind", KINDS)
def test_all_is_well(kind: str, create_place: Create) -> None:
    place = create_place(kind)
    migrate(place, "head")
    code, lines = examine(place)
    assert code == 0
    inside = ["references"] if kind == "sqlite" else ["indexes", "constraints"]
    roles = ["serving", "", "", "migrating", "", ""]
    checks = [line[:14].strip() for line in lines]
    search = [] if kind == "sqlite" else ["search"]
    assert checks == [*roles, "revision", "drift", *inside, "locks", *search]
    assert lines[1].split() == ["from", "DATABASE_URL"]
    assert lines[4].split() == ["from", "DATABASE_URL_UNPOOLED"]
    server = r"SQLite \d+\.\d+\.\d+" if kind == "sqlite" else r"PostgreSQL \d+\.\d+.*"
    for line, reached in zip((lines[2], lines[5]), KINDS[kind], strict=True):
        assert re.fullmatch(rf" {{15}}{reached}, reachable, {server}", line)
    assert lines[6] == f"revision       database {HEAD}, code {HEAD}"
    assert lines[7] == "drift          none: models and database agree"


@pytest.mark.parametrize("kind", ["postgresql", "pgbouncer"])
def test_it_shows_each_url_without_its_password(kind: str, create_place: Create) -> None:
    place = create_place(kind)
    _, lines = examine(place)
    for line, given in ((lines[0], place.serving), (lines[3], place.migrating)):
        url = make_url(given)
        shown = f"postgresql+psycopg2://{url.username}:***@{url.host}:{url.port}/{url.database}"
        assert line.split()[1] == shown


@pytest.mark.parametrize(
    ("revision", "named"), [("base", "no revision"), ("0001", "0001"), ("0002", "0002")]
)
def test_code_that_is_ahead_is_trouble_with_a_remedy(
    revision: str, named: str, empty_place: Place
) -> None:
    if revision != "base":
        migrate(empty_place, revision)
    code, lines = examine(empty_place)
    assert code == 1
    remedy = "TROUBLE: run `flask db upgrade`"
    assert lines[6] == f"revision       database {named}, code {HEAD}, {remedy}"
    assert "".join(lines).count("TROUBLE") == 1
    assert "drift" not in "".join(lines)  # the revision would be all that is told


def test_a_database_that_is_ahead_is_no_trouble(empty_place: Place) -> None:
    migrate(empty_place, "head")
    ask(empty_place, "UPDATE alembic_version SET version_num = '0099'")
    code, lines = examine(empty_place)
    assert code == 0
    assert lines[6] == f"revision       database 0099, newer than this code knows ({HEAD})"


def test_a_server_that_is_away_is_trouble_for_both_roles(checkout: Path) -> None:
    url = f"postgresql://ann:s3cret@127.0.0.1:{closed_port()}/shelf"
    lines = run_flask(checkout, Place("postgresql", url, url), "doctor", status=1).splitlines()
    assert len(lines) == 7
    for line in (lines[2], lines[5]):
        assert "TROUBLE" in line
        assert "refused" in line
    assert lines[6] == f"revision       database unknown, code {HEAD}"
    assert "s3cret" not in "".join(lines)


def test_a_wrong_password_is_trouble_and_stays_hidden(
    postgresql: servers.Server, create_place: Create
) -> None:
    url = make_url(create_place("postgresql").migrating).set(password="s3cret")
    wrong = url.render_as_string(hide_password=False)
    code, lines = examine(Place("postgresql", wrong, wrong))
    assert code == 1
    assert "password authentication failed" in lines[2]
    assert len(lines) == 7
    assert "s3cret" not in "".join(lines)


def test_migrating_through_a_pooler_is_trouble(create_place: Create) -> None:
    place = create_place("pgbouncer")
    migrate(place, "head")
    code, lines = examine(Place("pgbouncer", place.serving, place.serving))
    assert code == 1
    assert lines[2].split(", ")[1] == "reachable"
    assert lines[5].startswith(f"{'':<15}pooled (it refuses start-up options), TROUBLE: ")
    assert "set DATABASE_URL_UNPOOLED to the direct URL" in lines[5]
    assert lines[6] == f"revision       database unknown, code {HEAD}"


def test_a_file_that_is_no_database_is_trouble(create_place: Create) -> None:
    place = create_place("sqlite")
    Path(str(make_url(place.serving).database)).write_text(
        "Dear diary, today I learned SQL.\n" * 99
    )
    code, lines = examine(place)
    assert code == 1
    assert "file is not a database" in lines[2]
    assert len(lines) == 7


def test_it_does_not_wait_for_who_writes(create_place: Create) -> None:
    place = create_place("sqlite")
    migrate(place, "head")
    with contextlib.closing(sqlite3.connect(str(make_url(place.serving).database))) as writer:
        writer.execute("BEGIN IMMEDIATE")
        begun = time.monotonic()
        code, lines = examine(place)
    assert time.monotonic() - begun < 4
    assert (code, lines[-1]) == (0, "locks          another process is writing")
    assert examine(place)[1][-1] == "locks          nobody is writing"


def named(lines: list[str], check: str) -> str:
    """What is said of a check."""
    return next(line[15:] for line in lines if line.startswith(check))


def test_models_that_differ_from_the_database_are_trouble(empty_place: Place) -> None:
    migrate(empty_place, "head")
    ask(empty_place, "ALTER TABLE books ADD COLUMN pages INTEGER")
    code, lines = examine(empty_place)
    assert code == 1
    said = "TROUBLE: a revision is missing that drops books.pages; see `flask db migrate`"
    assert named(lines, "drift") == said


def test_a_row_without_what_it_refers_to_is_trouble(create_place: Create) -> None:
    place = create_place("sqlite")
    migrate(place, "head")
    ask(place, "INSERT INTO books (title, sort_key, author_id) VALUES ('Emma', 'emma', 7)")
    code, lines = examine(place)
    assert code == 1
    said = "TROUBLE: 1 row refers from books to authors where there is nothing"
    assert named(lines, "references").startswith(said)


def test_a_broken_index_and_an_unchecked_constraint_are_trouble(create_place: Create) -> None:
    place = create_place("postgresql")
    migrate(place, "head")
    ask(place, "CREATE INDEX ix_x ON books (year)")
    ask(place, "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'ix_x'::regclass")
    ask(place, "ALTER TABLE books ADD CONSTRAINT ck_x CHECK (year > 0) NOT VALID")
    code, lines = examine(place)
    assert code == 1
    assert "ix_x is INVALID" in named(lines, "indexes")
    assert "DROP INDEX CONCURRENTLY ix_x" in named(lines, "indexes")
    assert "TROUBLE: ck_x of books is NOT VALID" in named(lines, "constraints")
    assert "ALTER TABLE books VALIDATE CONSTRAINT ck_x" in named(lines, "constraints")


def test_who_holds_a_table_is_named_and_is_no_trouble(create_place: Create) -> None:
    place = create_place("postgresql")
    migrate(place, "head")
    assert named(examine(place)[1], "locks") == "nobody holds a table"
    with contextlib.closing(psycopg2.connect(place.migrating)) as reader:
        reader.cursor().execute("SELECT 'a report', count(*) FROM books")
        code, lines = examine(place)
        pid = reader.info.backend_pid
    assert code == 0
    pattern = rf"pid {pid} \(idle in transaction, since [\d:]+ UTC: SELECT 'a report', .*"
    assert re.fullmatch(pattern, named(lines, "locks"))


def test_programs_get_a_list_of_objects(empty_place: Place) -> None:
    migrate(empty_place, "0002")
    app = empty_place.app()
    result = app.test_cli_runner().invoke(args=["doctor", "--deploy", "--json"])
    found = json.loads(result.stdout)
    assert result.exit_code == 1
    assert {frozenset(finding) for finding in found} == {frozenset(("check", "said", "trouble"))}
    checks = [finding["check"] for finding in found]
    assert checks[:7] == ["serving"] * 3 + ["migrating"] * 3 + ["revision"]
    assert found[6] == {
        "check": "revision",
        "said": f"database 0002, code {HEAD}",
        "trouble": "run `flask db upgrade`",
    }
    assert found[0]["trouble"] is None
    assert "secret key" in checks
