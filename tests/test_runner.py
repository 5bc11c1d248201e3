"""How a migration runs: alone on the direct URL, all of it or nothing, and with rows kept."""

import socket
import string
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import quote

import psycopg2
import pytest
from alembic import command
from alembic.util import CommandError
from conftest import (
    HEAD,
    REVISIONS,
    Place,
    after_head,
    ask,
    execute,
    migrating,
    plant,
    run_flask,
    writing,
)
from flask import current_app
from sqlalchemy import MetaData, NullPool, create_engine, event, make_url

from bookshelf.core.connections import prepare
from bookshelf.schema import direct, pooler, runner

Create = Callable[[str], Place]

NEON = "postgresql+psycopg2://ann:s3cret@{}.eu-central-1.aws.neon.tech/shelf"


@pytest.mark.parametrize("host", ["ep-x-123456-pooler", "EP-X-123456-POOLER"])
@pytest.mark.parametrize("run", [command.upgrade, command.stamp, command.downgrade])
def test_a_pooler_is_known_by_its_name_and_never_asked(
    host: str, run: Callable[..., None], server_place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    def connect(*args: object, **options: object) -> None:
        raise AssertionError("it connected")

    monkeypatch.setattr(psycopg2, "connect", connect)
    with (
        migrating(server_place, MIGRATING_URL=NEON.format(host)) as config,
        pytest.raises(CommandError, match="set DATABASE_URL_UNPOOLED") as refused,
    ):
        run(config, "head")
    assert "\n" not in str(refused.value)
    assert "s3cret" not in str(refused.value)


@pytest.mark.parametrize("host", ["ep-x-123456", "ep-pooler-x", "pooler"])
def test_a_host_of_another_kind_is_no_pooler(host: str) -> None:
    assert not pooler.is_named_pooler(make_url(NEON.format(host)))
    assert not pooler.is_named_pooler(make_url("sqlite:////tmp/x-pooler.db"))


@pytest.mark.parametrize("words", ["db upgrade", "db current"])
def test_a_pooler_without_a_name_is_refused_before_anything_happens(
    words: str, checkout: Path, create_place: Create
) -> None:
    place = create_place("pgbouncer")
    pooled = Place("pgbouncer", place.serving, place.serving)
    said = run_flask(checkout, pooled, words, status=1)
    assert said.count("\n") == 1, said
    assert "DATABASE_URL_UNPOOLED" in said
    assert tables(place) == set()


def tables(place: Place) -> set[str]:
    """The tables that a new connection sees."""
    if place.kind == "sqlite":
        query = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%'"
    else:
        query = "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
    return {row[0] for row in ask(place, query)}


ALL = {"sqlite": {"authors", "books", "users", "sign_in_tries", "alembic_version"}}
ALL["postgresql"] = ALL["sqlite"] | {"words_of_authors", "words_of_books"}


def test_what_a_migration_did_is_there_for_a_new_connection(empty_place: Place) -> None:
    """A statement before Alembic's own would begin a transaction that nobody commits."""
    with migrating(empty_place) as config:
        command.upgrade(config, "head")
        assert tables(empty_place) == ALL[empty_place.kind]
        assert ask(empty_place, "SELECT version_num FROM alembic_version") == [(HEAD,)]
        command.downgrade(config, "base")
    assert tables(empty_place) == {"alembic_version"}
    assert ask(empty_place, "SELECT version_num FROM alembic_version") == []


def test_without_models_nothing_is_migrated(
    empty_place: Place, checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner, "db", SimpleNamespace(metadata=MetaData()))
    with migrating(empty_place, checkout) as config:
        runs: list[Callable[[], object]] = [
            lambda: command.upgrade(config, "head"),
            lambda: command.upgrade(config, "head", sql=True),
            lambda: command.check(config),
            lambda: command.revision(config, "x", autogenerate=True),
        ]
        for run in runs:
            with pytest.raises(CommandError, match="no models are known"):
                run()
    assert tables(empty_place) <= {"alembic_version"}
    assert len(list((checkout / "migrations/versions").glob("*.py"))) == len(
        list(REVISIONS.walk_revisions())
    )


REFERS_TO_AUTHORS = """op.create_table("awards",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("author_id", sa.Integer()),
        sa.ForeignKeyConstraint(["author_id"], ["authors.id"], name="fk", ondelete="CASCADE"),
        sqlite_autoincrement=True)"""
WIDENS_AUTHORS = """with op.batch_alter_table("authors") as authors:
        authors.alter_column("name", existing_type=sa.String(300), type_=sa.String(400))"""


@pytest.fixture
def widening(checkout: Path) -> Path:
    """A project that makes a table whose rows go with their author, then widens the authors'."""
    plant(checkout, after_head(), HEAD, REFERS_TO_AUTHORS, 'op.drop_table("awards")')
    plant(checkout, after_head(2), after_head(), WIDENS_AUTHORS)
    return checkout


def honour(place: Place) -> None:
    """Add an author with an award."""
    author = "INSERT INTO authors (name, sort_name, sort_key) VALUES ('A', 'A', 'a')"
    for statement in (author, "INSERT INTO awards (author_id) VALUES (1)"):
        ask(place, statement)


def test_widening_a_table_keeps_the_rows_that_would_go_with_its_rows(
    widening: Path, empty_place: Place
) -> None:
    with migrating(empty_place, widening) as config:
        command.upgrade(config, after_head())
        honour(empty_place)
        command.upgrade(config, "head")
    assert ask(empty_place, "SELECT * FROM awards") == [(1, 1)]
    assert ask(empty_place, "SELECT id, name FROM authors") == [(1, "A")]


def test_with_foreign_keys_on_sqlite_would_lose_them(widening: Path, sqlite_place: Place) -> None:
    """The control: what the runner's engine is there to prevent."""
    with migrating(sqlite_place, widening) as config:
        command.upgrade(config, after_head())
        honour(sqlite_place)
        options: Any = {"poolclass": NullPool, "connect_args": {"isolation_level": None}}
        engine = create_engine(sqlite_place.migrating, **options)
        config.attributes["connection"] = prepare(engine, foreign_keys=True)
        command.upgrade(config, "head")
    assert ask(sqlite_place, "SELECT * FROM awards") == []


def test_a_run_that_fails_half_way_is_undone_and_told_in_one_line(
    checkout: Path, empty_place: Place
) -> None:
    """On SQLite the whole run, on PostgreSQL the revision that failed."""
    plant(checkout, after_head(), HEAD, 'op.add_column("books", sa.Column("pages", sa.Integer()))')
    failing = 'op.add_column("books", sa.Column("size", sa.Integer())); op.execute("SELECT gone")'
    plant(checkout, after_head(2), after_head(), failing)
    with migrating(empty_place, checkout) as config:
        command.upgrade(config, HEAD)
        with pytest.raises(CommandError, match="gone") as failed:
            command.upgrade(config, "head")
    assert "\n" not in str(failed.value)
    reached = HEAD if empty_place.kind == "sqlite" else after_head()
    assert ask(empty_place, "SELECT version_num FROM alembic_version") == [(reached,)]
    if reached == HEAD:
        assert (
            ask(empty_place, "SELECT name FROM pragma_table_info('books')").count(("pages",)) == 0
        )
    else:
        ask(empty_place, "SELECT pages FROM books")
    with pytest.raises(Exception, match="size"):
        ask(empty_place, "SELECT books.size FROM books")


def test_what_only_asks_does_not_wait_for_who_writes(sqlite_place: Place, checkout: Path) -> None:
    with migrating(sqlite_place, checkout) as config:
        command.upgrade(config, "head")
        with writing(sqlite_place):
            begun = time.monotonic()
            command.current(config)
            command.history(config, indicate_current=True)
            command.check(config)
            command.revision(config, "nothing", autogenerate=True)
            assert time.monotonic() - begun < 4  # it would wait for 5 s


def test_what_writes_does_wait_and_says_why_it_gave_up(sqlite_place: Place) -> None:
    with migrating(sqlite_place, MIGRATION_WAIT_S=0) as config:
        command.upgrade(config, "0002")
        engine = direct.engine_for(make_url(sqlite_place.migrating))
        event.listen(engine, "connect", lambda found, _: found.execute("PRAGMA busy_timeout = 99"))
        config.attributes["connection"] = engine
        with writing(sqlite_place), pytest.raises(CommandError, match="database is locked"):
            command.upgrade(config, "head")


def test_migrating_leaves_no_connection_and_asks_nothing_of_who_serves(
    server_place: Place,
) -> None:
    nobody = "postgresql+psycopg2://127.0.0.1:1/nowhere"
    with migrating(server_place, SQLALCHEMY_DATABASE_URI=nobody) as config:
        command.upgrade(config, "head")
        command.current(config)
        query = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'bookshelf-migrate'"
        assert ask(server_place, query) == [(0,)]
        url = make_url(current_app.config["MIGRATING_URL"])
        assert isinstance(direct.engine_for(url).pool, NullPool)
    assert tables(server_place) == ALL["postgresql"]


@pytest.mark.parametrize("words", ["db upgrade", "db current"])
def test_a_server_that_is_away_is_told_in_one_line_without_the_password(
    words: str, checkout: Path
) -> None:
    url = f"postgresql://ann:s3cret@127.0.0.1:{closed_port()}/shelf"
    said = run_flask(checkout, Place("postgresql", url, url), words, status=1)
    assert said.count("\n") == 1, said
    assert "refused" in said
    assert "s3cret" not in said


def closed_port() -> int:
    """A port at which nothing listens."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port


NASTY = f"%40 %%(x)s ü€雪 {string.punctuation}"


@pytest.fixture
def role(server_place: Place) -> Iterator[str]:
    """A role whose password has every character that somebody forgets to quote."""
    literal = NASTY.replace("'", "''")
    execute(server_place.migrating, f"CREATE ROLE clerk SUPERUSER LOGIN PASSWORD '{literal}'")
    yield "clerk"
    execute(server_place.migrating, "DROP OWNED BY clerk CASCADE")
    execute(server_place.migrating, "DROP ROLE clerk")


def as_clerk(role: str, place: Place) -> Place:
    """The same database for that role."""
    parts = make_url(place.migrating)
    password = quote(NASTY, safe="")
    url = f"postgresql://{role}:{password}@{parts.host}:{parts.port}/{parts.database}"
    return Place(place.kind, url, url)


def test_a_password_with_every_character_migrates(
    role: str, server_place: Place, checkout: Path
) -> None:
    run_flask(checkout, as_clerk(role, server_place), "db upgrade")
    assert tables(server_place) == ALL["postgresql"]
    parts = make_url(server_place.migrating)
    given = {
        "DB_USER": role,
        "DB_PASSWORD": NASTY,
        "DB_HOST": str(parts.host),
        "DB_PORT": str(parts.port),
        "DB_NAME": str(parts.database),
    }
    assert f"{HEAD} (head)" in run_flask(checkout, None, "db current", given=given)


def test_the_limits_of_a_role_do_not_cut_a_migration_short(role: str, server_place: Place) -> None:
    for limit in ("statement_timeout = '1ms'", "lock_timeout = '1ms'"):
        execute(server_place.migrating, f"ALTER ROLE {role} SET {limit}")
    with migrating(as_clerk(role, server_place)) as config:
        command.upgrade(config, "head")
    assert tables(server_place) == ALL["postgresql"]


def test_the_options_that_a_url_gives_itself_are_kept(server_place: Place) -> None:
    ask(server_place, "CREATE SCHEMA annex")
    url = make_url(server_place.app().config["MIGRATING_URL"])
    url = url.update_query_dict({"options": "-c search_path=annex"})
    with migrating(server_place, MIGRATING_URL=url.render_as_string(hide_password=False)) as config:
        command.upgrade(config, "0001")
    assert ask(server_place, "SELECT count(*) FROM annex.authors") == [(0,)]
    assert tables(server_place) == set()
