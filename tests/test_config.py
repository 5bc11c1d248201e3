"""What each environment means: which URL serves, which migrates, and how all else is set."""

from dataclasses import FrozenInstanceError
from datetime import timedelta
from pathlib import Path

import pytest
from environments import CANARY, DIRECT, LONG_KEY, PARTS, POOLED, PRODUCTION, Env, both, mode, read
from hypothesis import example, given
from hypothesis import strategies as st
from sqlalchemy import create_engine
from sqlalchemy.engine import make_url

from config import THREADS, Config

PG = "postgresql+psycopg2"
FULL_POOLED, FULL_DIRECT = (url.replace("postgresql", PG, 1) for url in (POOLED, DIRECT))
FROM_PARTS = f"{PG}://ann:{CANARY}@db:5432/shelf"
DROPPING = "derived from {} by dropping -pooler"

# Environment, URL that serves, the setting that says so.
ONE_DATABASE = [
    pytest.param({}, "sqlite:///{root}/instance/bookshelf.db", "the default", id="nothing"),
    pytest.param({"DATABASE_URL": DIRECT}, FULL_DIRECT, "DATABASE_URL", id="direct"),
    pytest.param(
        {"DATABASE_URL_UNPOOLED": DIRECT}, FULL_DIRECT, "DATABASE_URL_UNPOOLED", id="only unpooled"
    ),
    pytest.param(
        PARTS | {"DATABASE_URL_UNPOOLED": DIRECT},
        FULL_DIRECT,
        "DATABASE_URL_UNPOOLED",
        id="unpooled over parts",
    ),
    pytest.param(PARTS, FROM_PARTS, "the DB_* variables", id="parts"),
    pytest.param(
        PARTS | {"DB_PORT": "6543"},
        FROM_PARTS.replace("5432", "6543"),
        "the DB_* variables",
        id="parts with port",
    ),
    pytest.param(
        PARTS | {"DB_PORT": " "}, FROM_PARTS, "the DB_* variables", id="parts with blank port"
    ),
    pytest.param(
        PARTS | {"DB_HOST": "::1"},
        FROM_PARTS.replace("@db", "@[::1]"),
        "the DB_* variables",
        id="parts with IPv6",
    ),
    pytest.param(
        PARTS | {"DB_NAME": "a?b/c d"},
        FROM_PARTS.replace("shelf", "a%3Fb/c d"),
        "the DB_* variables",
        id="parts with odd name",
    ),
    pytest.param(
        PARTS | {"DATABASE_URL": "", "DATABASE_URL_UNPOOLED": " \t"},
        FROM_PARTS,
        "the DB_* variables",
        id="parts beside empty URLs",
    ),
    pytest.param(
        PARTS | {"DATABASE_URL": DIRECT}, FULL_DIRECT, "DATABASE_URL", id="URL over parts"
    ),
    pytest.param(
        {"DB_USER": "ann", "DATABASE_URL": DIRECT}, FULL_DIRECT, "DATABASE_URL", id="URL over half"
    ),
]

# DATABASE_URL, and what it stands for.
FORMS = [
    pytest.param("postgres://u:p@h/d", f"{PG}://u:p@h/d", id="postgres"),
    pytest.param("postgresql://u:p@h/d", f"{PG}://u:p@h/d", id="postgresql"),
    pytest.param(f"{PG}://u:p@h/d", f"{PG}://u:p@h/d", id="psycopg2"),
    pytest.param("postgres://u@h/d", f"{PG}://u@h/d", id="no password"),
    pytest.param("postgres://h/d", f"{PG}://h/d", id="no user"),
    pytest.param("postgres://u:p@h:1/d", f"{PG}://u:p@h:1/d", id="lowest port"),
    pytest.param("postgres://u:p@h:65535/d", f"{PG}://u:p@h:65535/d", id="highest port"),
    pytest.param("postgres://u:p@[fe80::1]:5432/d", f"{PG}://u:p@[fe80::1]:5432/d", id="IPv6"),
    pytest.param(
        "postgres://u:p@h/d?sslmode=require&channel_binding=require",
        f"{PG}://u:p@h/d?channel_binding=require&sslmode=require",
        id="TLS",
    ),
    pytest.param(
        "postgres://u:p@h/d?options=endpoint%3Dep-x-1",
        f"{PG}://u:p@h/d?options=endpoint%3Dep-x-1",
        id="Neon's options",
    ),
    pytest.param("  postgres://u:p@h/d\n", f"{PG}://u:p@h/d", id="spaces around"),
    pytest.param("'postgres://u:p@h/d'", f"{PG}://u:p@h/d", id="single quotes"),
    pytest.param(' "postgres://u:p@h/d" ', f"{PG}://u:p@h/d", id="double quotes"),
    pytest.param("sqlite:///x.db", "sqlite:///{root}/x.db", id="file"),
    pytest.param("sqlite:///./x.db", "sqlite:///{root}/x.db", id="dotted file"),
    pytest.param("sqlite:///./data/x.db", "sqlite:///{root}/data/x.db", id="file in folder"),
    pytest.param("sqlite:///data/../x.db", "sqlite:///{root}/x.db", id="file by a detour"),
    pytest.param("sqlite+pysqlite:///x.db", "sqlite:///{root}/x.db", id="pysqlite"),
    pytest.param("sqlite:///{root}/data/x.db", "sqlite:///{root}/data/x.db", id="absolute file"),
    pytest.param("sqlite:///instance/x.db", "sqlite:///{root}/instance/x.db", id="instance folder"),
]

# Environment, URL that serves, URL that migrates, the settings that say so.
TWO_URLS = [
    pytest.param(
        {"DATABASE_URL": POOLED},
        (FULL_POOLED, FULL_DIRECT),
        ("DATABASE_URL", DROPPING.format("DATABASE_URL")),
        id="pooled",
    ),
    pytest.param(
        {"DATABASE_URL": f"{POOLED}?sslmode=require"},
        (f"{FULL_POOLED}?sslmode=require", f"{FULL_DIRECT}?sslmode=require"),
        ("DATABASE_URL", DROPPING.format("DATABASE_URL")),
        id="pooled with query",
    ),
    pytest.param(
        {"DATABASE_URL": "postgres://u:p%40%25@EP-1-POOLER:6543/d"},
        (f"{PG}://u:p%40%25@EP-1-POOLER:6543/d", f"{PG}://u:p%40%25@EP-1:6543/d"),
        ("DATABASE_URL", DROPPING.format("DATABASE_URL")),
        id="pooled in capitals, of one label",
    ),
    pytest.param(
        PARTS | {"DB_HOST": "ep-x-pooler.neon.tech"},
        (
            FROM_PARTS.replace("@db", "@ep-x-pooler.neon.tech"),
            FROM_PARTS.replace("@db", "@ep-x.neon.tech"),
        ),
        ("the DB_* variables", DROPPING.format("the DB_* variables")),
        id="pooled parts",
    ),
    pytest.param(
        both(POOLED, DIRECT),
        (FULL_POOLED, FULL_DIRECT),
        ("DATABASE_URL", "DATABASE_URL_UNPOOLED"),
        id="pooled and direct",
    ),
    pytest.param(
        both("postgres://u:p@bouncer:6432/alias", "'postgres://admin:q@h/d'"),
        (f"{PG}://u:p@bouncer:6432/alias", f"{PG}://admin:q@h/d"),
        ("DATABASE_URL", "DATABASE_URL_UNPOOLED"),
        id="a pooler of one's own",
    ),
    pytest.param(
        both(DIRECT, DIRECT),
        (FULL_DIRECT, FULL_DIRECT),
        ("DATABASE_URL", "DATABASE_URL_UNPOOLED"),
        id="direct twice",
    ),
    pytest.param(
        both(POOLED, "  "),
        (FULL_POOLED, FULL_DIRECT),
        ("DATABASE_URL", DROPPING.format("DATABASE_URL")),
        id="pooled beside an empty one",
    ),
    pytest.param(
        {"DATABASE_URL": "postgres://u:p@db.my-pooler.net/my-pooler"},
        (f"{PG}://u:p@db.my-pooler.net/my-pooler", f"{PG}://u:p@db.my-pooler.net/my-pooler"),
        ("DATABASE_URL", "DATABASE_URL"),
        id="-pooler elsewhere",
    ),
    pytest.param(
        {"DATABASE_URL": "postgres://u:p@my-poolers.net/d"},
        (f"{PG}://u:p@my-poolers.net/d", f"{PG}://u:p@my-poolers.net/d"),
        ("DATABASE_URL", "DATABASE_URL"),
        id="-poolers",
    ),
    pytest.param(
        both("sqlite:///x.db", "sqlite:///{root}/./x.db"),
        ("sqlite:///{root}/x.db", "sqlite:///{root}/x.db"),
        ("DATABASE_URL", "DATABASE_URL_UNPOOLED"),
        id="one file twice",
    ),
]


def urls(configuration: Config) -> tuple[object, object]:
    settings = configuration.settings()
    return settings["SQLALCHEMY_DATABASE_URI"], settings["MIGRATING_URL"]


@pytest.mark.parametrize(("env", "expected", "source"), ONE_DATABASE)
def test_one_url_serves_and_migrates(env: Env, expected: str, source: str, root: Path) -> None:
    found = read(env, root)
    expected = expected.format(root=root)
    assert urls(found) == (expected, expected)
    assert (found.serving_source, found.migrating_source) == (source, source)


@pytest.mark.parametrize(("form", "expected"), FORMS)
def test_every_form_of_a_url_becomes_the_one_that_works(
    form: str, expected: str, root: Path
) -> None:
    expected = expected.format(root=root)
    assert urls(read({"DATABASE_URL": form}, root)) == (expected, expected)
    assert urls(read({"DATABASE_URL_UNPOOLED": form}, root)) == (expected, expected)


@pytest.mark.parametrize(("env", "expected", "sources"), TWO_URLS)
def test_what_serves_and_what_migrates_are_told_apart(
    env: Env, expected: tuple[str, str], sources: tuple[str, str], root: Path
) -> None:
    found = read(env, root)
    assert urls(found) == tuple(each.format(root=root) for each in expected)
    assert found.settings()["DATABASE_SOURCES"] == dict(
        zip(("serving", "migrating"), sources, strict=True)
    )


@given(st.text(st.characters(exclude_categories=["C"])).filter(str.strip))
@example("p%40@:/#?&=+ '\"\\$é漢😀")
@example("%")
@example("-pooler")
def test_the_password_survives_the_way_to_the_runner(password: str) -> None:
    env = PARTS | {"SECRET_KEY": LONG_KEY, "DB_PASSWORD": password, "DB_HOST": "x-pooler.net"}
    serving, migrating = urls(Config.from_env(env))
    assert make_url(str(serving)).password == password
    assert make_url(str(migrating)).password == password
    again = Config.from_env({"SECRET_KEY": LONG_KEY, "DATABASE_URL": str(serving)})
    assert urls(again) == (serving, migrating)


def test_a_configuration_shows_neither_password_nor_key(root: Path) -> None:
    shown = repr(read({"DATABASE_URL": POOLED}, root))
    assert "ep-x-1-pooler" in shown
    assert CANARY not in shown
    assert LONG_KEY not in shown


def test_a_configuration_shows_neither_the_welcome_nor_the_store(root: Path) -> None:
    env = {"BOOKSHELF_WELCOME": CANARY, "RATELIMIT_STORAGE_URI": f"redis://:{CANARY}@h"}
    assert CANARY not in repr(read(env, root))


def test_a_configuration_cannot_be_changed(root: Path) -> None:
    found = read({}, root)
    with pytest.raises(FrozenInstanceError):
        found.production = True  # type: ignore[misc]


def test_production_is_stricter_with_cookies_and_takes_a_key_of_50_characters(root: Path) -> None:
    settings = read(PRODUCTION, root).settings()
    assert settings["BOOKSHELF_ENV"] == "production"
    assert settings["SECRET_KEY"] == LONG_KEY
    assert settings["SESSION_COOKIE_SECURE"] is True
    assert settings["SESSION_COOKIE_NAME"] == "__Host-session"
    assert settings["PREFERRED_URL_SCHEME"] == "https"


@pytest.mark.parametrize("stage", ["", " ", "development"])
def test_development_is_what_an_unset_stage_means(stage: str, root: Path) -> None:
    settings = read({"BOOKSHELF_ENV": stage, "SECRET_KEY": "short"}, root).settings()
    assert settings["BOOKSHELF_ENV"] == "development"
    assert settings["SECRET_KEY"] == "short"
    assert settings["SESSION_COOKIE_SECURE"] is False
    assert settings["SESSION_COOKIE_HTTPONLY"] is True
    assert settings["SESSION_COOKIE_SAMESITE"] == "Lax"
    assert settings["SESSION_COOKIE_NAME"] == "session"
    assert settings["PREFERRED_URL_SCHEME"] == "http"


# What is given, and the settings that it makes.
DOOR: list[tuple[Env, dict[str, object]]] = [
    (
        {},
        {
            "TRUSTED_HOSTS": ["localhost", "127.0.0.1"],
            "PROXY_HOPS": 0,
            "PERMANENT_SESSION_LIFETIME": timedelta(hours=12),
            "SESSION_MAX_AGE": timedelta(days=14),
            "PUBLIC_API": False,
            "RATELIMIT_STORAGE_URI": "memory://",
            "WELCOME_KEY": None,
        },
    ),
    (
        {"TRUSTED_HOSTS": " Books.Example.org, .example.net,10.0.0.7 "},
        {"TRUSTED_HOSTS": ["books.example.org", ".example.net", "10.0.0.7"]},
    ),
    ({"TRUSTED_HOSTS": "xn--bcher-kva.example"}, {"TRUSTED_HOSTS": ["xn--bcher-kva.example"]}),
    ({"PROXY_HOPS": "5"}, {"PROXY_HOPS": 5}),
    ({"SESSION_IDLE_HOURS": "1"}, {"PERMANENT_SESSION_LIFETIME": timedelta(hours=1)}),
    ({"SESSION_MAX_DAYS": "365"}, {"SESSION_MAX_AGE": timedelta(days=365)}),
    ({"BOOKSHELF_PUBLIC_API": "1"}, {"PUBLIC_API": True}),
    ({"BOOKSHELF_PUBLIC_API": "0"}, {"PUBLIC_API": False}),
    ({"RATELIMIT_STORAGE_URI": "redis://h:6379"}, {"RATELIMIT_STORAGE_URI": "redis://h:6379"}),
    ({"BOOKSHELF_WELCOME": "a" * 64}, {"WELCOME_KEY": "a" * 64}),
]


@pytest.mark.parametrize(("env", "expected"), DOOR)
def test_the_door_is_set_as_it_is_asked_for(
    env: Env, expected: dict[str, object], root: Path
) -> None:
    settings = read(env, root).settings()
    assert {name: settings[name] for name in expected} == expected


@pytest.mark.parametrize("value", ["", "0", "false", "No"])
def test_production_takes_what_turns_debugging_off(value: str, root: Path) -> None:
    assert read(PRODUCTION | {"FLASK_DEBUG": value}, root).production


def test_debugging_is_for_development(root: Path) -> None:
    assert not read({"FLASK_DEBUG": "1"}, root).production


def test_only_the_default_database_is_called_so(root: Path) -> None:
    assert read({}, root).settings()["DEFAULT_DATABASE"] is True
    same_file = {"DATABASE_URL": "sqlite:///instance/bookshelf.db"}
    assert read(same_file, root).settings()["DEFAULT_DATABASE"] is False


def test_postgresql_gets_a_pool_that_survives_a_suspended_server(root: Path) -> None:
    options = read({"DATABASE_URL": POOLED}, root).settings()["SQLALCHEMY_ENGINE_OPTIONS"]
    assert options == {
        "pool_recycle": 240,
        "pool_use_lifo": True,
        "pool_size": THREADS,
        "max_overflow": 0,
        "pool_timeout": 3,
        "hide_parameters": True,
        "query_cache_size": 100,
        "connect_args": {
            "connect_timeout": 15,
            "keepalives": 1,
            "keepalives_idle": 30,
            "keepalives_interval": 10,
            "keepalives_count": 3,
        },
    }
    create_engine(FULL_POOLED, **options)  # takes every option


def test_a_time_out_in_the_url_goes_before_ours(root: Path) -> None:
    settings = read({"DATABASE_URL": f"{DIRECT}?connect_timeout=2"}, root).settings()
    options = settings["SQLALCHEMY_ENGINE_OPTIONS"]
    assert isinstance(options, dict)
    assert "connect_timeout" not in options["connect_args"]
    assert str(settings["SQLALCHEMY_DATABASE_URI"]).endswith("?connect_timeout=2")


def test_sqlite_leaves_the_transactions_to_the_application(root: Path) -> None:
    settings = read({}, root).settings()
    options = settings["SQLALCHEMY_ENGINE_OPTIONS"]
    assert options == {
        "pool_size": THREADS,
        "max_overflow": 0,
        "pool_timeout": 3,
        "hide_parameters": True,
        "query_cache_size": 100,
        "connect_args": {"isolation_level": None, "timeout": 5},
    }
    engine = create_engine(str(settings["SQLALCHEMY_DATABASE_URI"]), **options)
    with engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA busy_timeout").scalar() == 5000
        connection.exec_driver_sql("CREATE TABLE kept (id INTEGER)")
    engine.dispose()
    assert (root / "instance/bookshelf.db").stat().st_size


def test_settings_of_one_configuration_do_not_share_what_can_change(root: Path) -> None:
    found = read({}, root)
    options = found.settings()["SQLALCHEMY_ENGINE_OPTIONS"]
    assert isinstance(options, dict)
    options["connect_args"]["timeout"] = 99
    options["pool_size"] = 99
    again = found.settings()["SQLALCHEMY_ENGINE_OPTIONS"]
    assert "99" not in str(again)


def test_a_sqlite_file_is_made_for_nobody_else_to_read(root: Path) -> None:
    engine = create_engine(str(urls(read({"DATABASE_URL": "sqlite:///data/x.db"}, root))[0]))
    with engine.begin() as connection:
        connection.exec_driver_sql("PRAGMA journal_mode = WAL")
        connection.exec_driver_sql("CREATE TABLE kept (id INTEGER)")
        modes = {file.name: mode(file) for file in (root / "data").iterdir()}
    engine.dispose()
    assert modes == dict.fromkeys(("x.db", "x.db-wal", "x.db-shm"), 0o600)


def test_a_sqlite_file_that_is_there_stays_as_it_is(root: Path) -> None:
    (root / "data/x.db").write_text("kept")
    (root / "data/x.db").chmod(0o640)
    read({"DATABASE_URL": "sqlite:///data/x.db"}, root)
    assert (root / "data/x.db").read_text() == "kept"
    assert mode(root / "data/x.db") == 0o640


def test_a_server_and_a_key_need_no_folder(root: Path) -> None:
    read({"DATABASE_URL": DIRECT}, root)
    assert not (root / "instance").exists()
