"""What each environment means: which URL serves, which migrates, and what is refused and how."""

import ast
import os
import re
import shutil
import stat
import subprocess
import sys
import traceback
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import FrozenInstanceError
from datetime import timedelta
from pathlib import Path
from threading import Barrier

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from sqlalchemy import create_engine
from sqlalchemy.engine import make_url

import config
from config import THREADS, Config, ConfigError, environment

Env = dict[str, str]

PG = "postgresql+psycopg2"
CANARY = "cAnaRy"
POOLED = f"postgresql://ann:{CANARY}@ep-x-1-pooler.eu.aws.neon.tech/shelf"
DIRECT = f"postgresql://ann:{CANARY}@ep-x-1.eu.aws.neon.tech/shelf"
FULL_POOLED, FULL_DIRECT = (url.replace("postgresql", PG, 1) for url in (POOLED, DIRECT))
PARTS = {"DB_USER": "ann", "DB_PASSWORD": CANARY, "DB_HOST": "db", "DB_NAME": "shelf"}
FROM_PARTS = f"{PG}://ann:{CANARY}@db:5432/shelf"
LONG_KEY = "k" * 50
PRODUCTION = {"BOOKSHELF_ENV": "production", "TRUSTED_HOSTS": "books.example.org"}
DROPPING = "derived from {} by dropping -pooler"


def url(rest: str) -> Env:
    """A DATABASE_URL of PostgreSQL whose password is the canary."""
    return {"DATABASE_URL": f"postgresql://ann:{CANARY}@{rest}"}


def both(serving: str, migrating: str) -> Env:
    return {"DATABASE_URL": serving, "DATABASE_URL_UNPOOLED": migrating}


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

NO_HOST = "DATABASE_URL must give host and database as in postgresql://user:password@host/name"
NO_FILE = "DATABASE_URL must name a file: sqlite:///name.db"
NO_PORT = "DATABASE_URL needs a port from 1 to 65535"
OTHER = "DATABASE_URL_UNPOOLED names another database than DATABASE_URL"
NO_HOSTS = "TRUSTED_HOSTS must name hosts, without ports, as in books.example.org"
PSQL = "DATABASE_URL holds a psql command; set it to the URL alone."

# Environment, how the message begins.
REFUSED = [
    *(
        pytest.param({name: number}, f"{name} must be a whole number", id=f"{name} {number}")
        for name, number in (("PORT", "web"), ("PORT", "65536"), ("WEB_CONCURRENCY", "0"))
    ),
    pytest.param({"DATABASE_URL": f"ann:{CANARY}@db/shelf"}, "DATABASE_URL is no URL", id="no URL"),
    pytest.param({"DATABASE_URL": f"'{DIRECT}"}, "DATABASE_URL is no URL", id="half a quote"),
    pytest.param({"DATABASE_URL": "''"}, "DATABASE_URL is no URL", id="only quotes"),
    pytest.param({"DATABASE_URL": f"psql '{DIRECT}'"}, PSQL, id="psql"),
    pytest.param({"DATABASE_URL": f'"psql {DIRECT}"'}, PSQL, id="psql in quotes"),
    pytest.param(
        {"DATABASE_URL": f"mysql://ann:{CANARY}@db/shelf"},
        "DATABASE_URL asks for mysql; write postgresql:// or sqlite:///",
        id="mysql",
    ),
    pytest.param(
        {"DATABASE_URL": f"mssql+pyodbc://ann:{CANARY}@db/shelf"},
        "DATABASE_URL asks for mssql+pyodbc; write postgresql://",
        id="mssql",
    ),
    pytest.param(
        {"DATABASE_URL": f"postgresql+psycopg://ann:{CANARY}@db/shelf"},
        "DATABASE_URL asks for postgresql+psycopg; write postgresql://",
        id="psycopg 3",
    ),
    pytest.param(
        {"DATABASE_URL_UNPOOLED": f"postgresql+asyncpg://ann:{CANARY}@db/shelf"},
        "DATABASE_URL_UNPOOLED asks for postgresql+asyncpg; write postgresql://",
        id="asyncpg",
    ),
    pytest.param(
        {"DATABASE_URL": "sqlite+aiosqlite:///x.db"}, "DATABASE_URL asks for", id="aiosqlite"
    ),
    pytest.param(url("/shelf"), NO_HOST, id="no host"),
    pytest.param(url("db"), NO_HOST, id="no database"),
    pytest.param(url("db/"), NO_HOST, id="empty database"),
    pytest.param(url("db/?sslmode=require"), NO_HOST, id="query in place of a database"),
    pytest.param(url(f"{CANARY}@db/shelf"), NO_HOST, id="raw @ in the password"),
    pytest.param(url(f"x/{CANARY}@db/shelf"), NO_HOST, id="raw @ and / in the password"),
    pytest.param(url("a,b/shelf"), NO_HOST, id="two hosts"),
    pytest.param(url("db/shelf?host=other-pooler"), NO_HOST, id="host in the query"),
    pytest.param(
        {"DATABASE_URL": f"postgresql://db/shelf?user=ann&password={CANARY}"},
        NO_HOST,
        id="password in the query",
    ),
    pytest.param(url("db:abc/shelf"), NO_PORT, id="port of letters"),
    pytest.param(url("db:/shelf"), NO_PORT, id="empty port"),
    pytest.param(url("db:0/shelf"), NO_PORT, id="port 0"),
    pytest.param(url("db:-1/shelf"), NO_PORT, id="negative port"),
    pytest.param(url("db:65536/shelf"), NO_PORT, id="port too high"),
    pytest.param(url(f"db:{CANARY}@db/shelf"), NO_PORT, id="password for a port"),
    pytest.param({"DATABASE_URL": "sqlite://"}, NO_FILE, id="memory"),
    pytest.param({"DATABASE_URL": "sqlite:///"}, NO_FILE, id="memory by three slashes"),
    pytest.param({"DATABASE_URL": "sqlite:///:memory:"}, NO_FILE, id="memory by name"),
    pytest.param(
        {"DATABASE_URL": "sqlite:///file:x?mode=memory&cache=shared&uri=true"},
        NO_FILE,
        id="shared memory",
    ),
    pytest.param({"DATABASE_URL": "sqlite:///file::memory:?uri=true"}, NO_FILE, id="memory by URI"),
    pytest.param({"DATABASE_URL": "sqlite:///x.db?mode=memory"}, NO_FILE, id="memory by mode"),
    pytest.param({"DATABASE_URL": "sqlite://x.db"}, NO_FILE, id="file with two slashes"),
    pytest.param(
        {"DATABASE_URL": "sqlite:///nowhere/x.db"},
        "DATABASE_URL means the SQLite file {root}/nowhere/x.db, which cannot be written",
        id="file in no folder",
    ),
    pytest.param(
        {"DATABASE_URL": "sqlite:///file/x.db"},
        "DATABASE_URL means the SQLite file {root}/file/x.db, which cannot be written",
        id="file in a file",
    ),
    pytest.param(
        {"DATABASE_URL": "sqlite:///data"},
        "DATABASE_URL means the SQLite file {root}/data, which cannot be written",
        id="folder for a file",
    ),
    pytest.param(
        {"DATABASE_URL_UNPOOLED": POOLED},
        "DATABASE_URL_UNPOOLED cannot migrate through a pooler; drop -pooler from its host.",
        id="pooled unpooled",
    ),
    pytest.param(both(POOLED, POOLED), "DATABASE_URL_UNPOOLED cannot migrate", id="pooled twice"),
    pytest.param(both(DIRECT, "nonsense"), "DATABASE_URL_UNPOOLED is no URL", id="bad unpooled"),
    pytest.param(both("sqlite:///x.db", DIRECT), OTHER, id="file and server"),
    pytest.param(both(DIRECT, "sqlite:///x.db"), OTHER, id="server and file"),
    pytest.param(both("sqlite:///x.db", "sqlite:///y.db"), OTHER, id="two files"),
    pytest.param(
        {"DB_PASSWORD": CANARY, "DB_NAME": "shelf"},
        "The DB_* variables work together; set DB_USER, DB_HOST too.",
        id="half of the parts",
    ),
    pytest.param(
        PARTS | {"DB_PASSWORD": ""},
        "The DB_* variables work together; set DB_PASSWORD too.",
        id="parts with an empty password",
    ),
    pytest.param(
        {"DB_PORT": "5432"},
        "The DB_* variables work together; set DB_USER, DB_PASSWORD, DB_HOST, DB_NAME too.",
        id="only a port",
    ),
    pytest.param(PARTS | {"DB_PORT": "abc"}, "DB_PORT needs a port from 1", id="DB_PORT letters"),
    pytest.param(PARTS | {"DB_PORT": "5_432"}, "DB_PORT needs a port from 1", id="DB_PORT 5_432"),
    pytest.param(PARTS | {"DB_PORT": "0"}, "DB_PORT needs a port from 1", id="DB_PORT 0"),
    pytest.param(PARTS | {"DB_PORT": "65536"}, "DB_PORT needs a port from 1", id="DB_PORT 65536"),
    pytest.param(PARTS | {"DB_PORT": "9" * 5000}, "DB_PORT needs a port from 1", id="DB_PORT long"),
    pytest.param(PARTS | {"DB_HOST": "db:5432"}, "DB_HOST must be a host's name", id="host:port"),
    pytest.param(PARTS | {"DB_HOST": DIRECT}, "DB_HOST must be a host's name", id="URL as host"),
    pytest.param(PARTS | {"DB_HOST": "/run"}, "DB_HOST must be a host's name", id="path as host"),
    *(
        pytest.param({name: value}, f"{name} must be a whole number from", id=f"{name} {value}")
        for name, value in (
            ("PROXY_HOPS", "6"),
            ("PROXY_HOPS", "-1"),
            ("PROXY_HOPS", "all"),
            ("PROXY_HOPS", "1.5"),
            ("PROXY_HOPS", "²"),
            ("SESSION_IDLE_HOURS", "0"),
            ("SESSION_IDLE_HOURS", "8761"),
            ("SESSION_MAX_DAYS", "0"),
            ("SESSION_MAX_DAYS", "366"),
            ("BOOKSHELF_PUBLIC_API", "2"),
            ("BOOKSHELF_PUBLIC_API", "true"),
        )
    ),
    *(
        pytest.param({"TRUSTED_HOSTS": hosts}, NO_HOSTS, id=f"host {hosts[:20]}")
        for hosts in (
            "*",
            ",",
            "a.example,",
            "a.example b.example",
            "a.example:443",
            "https://a.example",
            "[::1]",
            "a..example",
            ".",
            "bücher.example",
            "a" * 64,
        )
    ),
    pytest.param(
        {"BOOKSHELF_ENV": "production", "TRUSTED_HOSTS": ""}, NO_HOSTS, id="production for any host"
    ),
    *(
        pytest.param(
            PRODUCTION | {"FLASK_DEBUG": value}, "FLASK_DEBUG shows code", id=f"debugging {value}"
        )
        for value in ("1", "true", "yes")
    ),
    pytest.param({"BOOKSHELF_ENV": "prod"}, "BOOKSHELF_ENV must be development", id="stage"),
    pytest.param(
        {"BOOKSHELF_ENV": "Production"}, "BOOKSHELF_ENV must be development", id="stage in capitals"
    ),
    pytest.param(
        PARTS | {"BOOKSHELF_ENV": "production", "SECRET_KEY": ""},
        "SECRET_KEY must have at least 50 characters in production",
        id="production without a key",
    ),
    pytest.param(
        {"BOOKSHELF_ENV": "production", "SECRET_KEY": f"{CANARY:k<49}"},
        "SECRET_KEY must have at least 50 characters in production",
        id="production with a short key",
    ),
]
REFUSED_ENVIRONMENTS = [pytest.param(case.values[0], id=case.id) for case in REFUSED]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A project's folder with a folder `data` and a program `file`."""
    (tmp_path / "data").mkdir()
    (tmp_path / "file").touch(mode=0o777)
    return tmp_path.resolve()


def read(env: Env, root: Path) -> Config:
    """The configuration that `env` gives, in which {root} stands for the folder."""
    in_place = {name: value.replace("{root}", str(root)) for name, value in env.items()}
    return Config.from_env({"SECRET_KEY": LONG_KEY} | in_place, root)


def refusal(env: Env, root: Path) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        read(env, root)
    return caught.value


def urls(configuration: Config) -> tuple[object, object]:
    settings = configuration.settings()
    return settings["SQLALCHEMY_DATABASE_URI"], settings["MIGRATING_URL"]


def test_bytes_that_are_no_text_are_refused(root: Path) -> None:
    assert "SECRET_KEY is no text in UTF-8" in str(
        refusal({"SECRET_KEY": "k" * 60 + "\udcff"}, root)
    )


def test_a_folder_that_alembic_cannot_work_in_is_refused(root: Path) -> None:
    (folder := root / "100% books").mkdir()
    assert "% in its name" in str(refusal({"SECRET_KEY": LONG_KEY}, folder))


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


@pytest.mark.parametrize(("env", "message"), REFUSED)
def test_what_cannot_work_is_refused_in_one_line(env: Env, message: str, root: Path) -> None:
    said = str(refusal(env, root))
    assert said.startswith(message.format(root=root))
    assert "\n" not in said


@pytest.mark.parametrize("env", REFUSED_ENVIRONMENTS)
def test_no_message_ever_contains_the_password(env: Env, root: Path) -> None:
    with_canary = {"SECRET_KEY": CANARY} | env
    assert CANARY in str(with_canary)
    shown = "".join(traceback.format_exception(refusal(with_canary, root)))
    assert CANARY not in shown


@pytest.mark.parametrize("env", REFUSED_ENVIRONMENTS)
def test_a_refusal_leaves_no_file_behind(env: Env, root: Path) -> None:
    before = sorted(root.rglob("*"))
    refusal({"SECRET_KEY": ""} | env, root)
    assert sorted(root.rglob("*")) == before


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


def test_the_message_about_the_key_says_how_to_make_one(root: Path) -> None:
    said = str(refusal({"BOOKSHELF_ENV": "production", "SECRET_KEY": ""}, root))
    command = re.search('python -c "(.+)"', said)
    assert command
    made = subprocess.run([sys.executable, "-c", command[1]], capture_output=True, text=True)
    key = made.stdout.strip()
    found = read(PRODUCTION | {"SECRET_KEY": key}, root)
    assert found.settings()["SECRET_KEY"] == key


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


def test_a_store_that_cannot_be_used_is_refused_without_its_password(root: Path) -> None:
    said = str(refusal({"RATELIMIT_STORAGE_URI": f"nonsense://:{CANARY}@h/0"}, root))
    assert said.startswith("RATELIMIT_STORAGE_URI must begin with redis://")
    assert CANARY not in said


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


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.parametrize("env", [{}, {"DATABASE_URL": DIRECT}], ids=["file", "server"])
def test_the_development_key_is_made_once_and_kept_private(env: Env, root: Path) -> None:
    key = Config.from_env(env, root).secret_key
    assert len(key) >= 50
    assert (root / "instance/secret_key").read_text() == key
    assert (mode(root / "instance"), mode(root / "instance/secret_key")) == (0o700, 0o600)
    assert Config.from_env(env | {"SECRET_KEY": " "}, root).secret_key == key


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


def test_two_projects_have_two_development_keys(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    first.mkdir()
    second.mkdir()
    assert Config.from_env({}, first).secret_key != Config.from_env({}, second).secret_key


def test_an_empty_left_over_key_is_replaced(root: Path) -> None:
    left_over = root / "instance/secret_key"
    left_over.parent.mkdir()
    left_over.write_text("\n")
    left_over.chmod(0o644)
    key = Config.from_env({}, root).secret_key
    assert len(key) >= 50
    assert left_over.read_text().strip() == key
    assert mode(left_over) == 0o600


@pytest.mark.parametrize("left_over", [False, True], ids=["fresh", "empty file"])
def test_all_that_start_at_once_have_the_same_development_key(left_over: bool, root: Path) -> None:
    starters = 8
    barrier = Barrier(starters)

    def start(project: Path) -> str:
        barrier.wait()
        return Config.from_env({}, project).secret_key

    with ThreadPoolExecutor(starters) as pool:
        for attempt in range(25):
            project = root / str(attempt)
            project.mkdir()
            if left_over:
                (project / "instance").mkdir()
                (project / "instance/secret_key").touch()
            keys = set(pool.map(start, [project] * starters))
            assert len(keys) == 1
            assert (project / "instance/secret_key").read_text() in keys


def test_a_folder_that_cannot_keep_the_key_is_named(root: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        Config.from_env({"DATABASE_URL": DIRECT}, root / "file")
    said = str(caught.value)
    assert said.startswith(f"SECRET_KEY is unset, and {root / 'file/instance'} cannot keep one")
    assert "\n" not in said


def test_a_key_that_is_not_text_is_refused(root: Path) -> None:
    (root / "instance").mkdir()
    (root / "instance/secret_key").write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigError, match="SECRET_KEY is unset"):
        Config.from_env({}, root)


def test_the_default_database_names_the_folder_that_cannot_hold_it(root: Path) -> None:
    said = str(refusal({}, root / "file"))
    assert said.startswith(f"the default means the SQLite file {root / 'file/instance'}")


def test_a_server_and_a_key_need_no_folder(root: Path) -> None:
    read({"DATABASE_URL": DIRECT}, root)
    assert not (root / "instance").exists()


def test_the_process_goes_before_the_file(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (root / ".env").write_text("DB_USER=file\nDB_NAME=file\nDB_HOST=file\nDB_PORT=\nSECRET_KEY\n")
    monkeypatch.setenv("DB_USER", "process")
    monkeypatch.setenv("DB_NAME", "")
    monkeypatch.delenv("DB_HOST", raising=False)
    monkeypatch.delenv("DB_PORT", raising=False)
    monkeypatch.delenv("SECRET_KEY", raising=False)
    found = environment(root)
    assert (found["DB_USER"], found["DB_NAME"], found["DB_HOST"]) == ("process", "file", "file")
    assert not {"DB_PORT", "SECRET_KEY"} & found.keys()


def test_the_file_is_taken_literally(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DB_PASSWORD", raising=False)
    (root / ".env").write_text("\ufeffDB_PASSWORD='${HOME} # $x'\n", encoding="utf-8")
    assert environment(root)["DB_PASSWORD"] == "${HOME} # $x"


def test_a_file_that_is_not_utf_8_is_refused(root: Path) -> None:
    (root / ".env").write_text(f"DB_PASSWORD={CANARY}\n", encoding="utf-16")
    with pytest.raises(ConfigError, match="cannot be read; save it as UTF-8") as caught:
        environment(root)
    assert CANARY not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize(
    ("written", "line"),
    [
        ('# ours\n\nDATABASE_URL="sqlite:///shelf.db\nPORT=8001\n', 3),
        ("PORT=8001\nDATABASE_URL: sqlite:///shelf.db\n", 2),
        ("DATABASE_URL:sqlite:///shelf.db\n", 1),
        ("PORT='8001' and more\n", 1),
        ("PORT=8001\n=9\n", 2),
    ],
)
def test_a_line_that_only_seems_to_set_something_is_refused(
    written: str, line: int, root: Path
) -> None:
    (root / ".env").write_text(written)
    with pytest.raises(ConfigError) as caught:
        environment(root)
    assert str(caught.value) == (
        f"{root / '.env'}, line {line}: write NAME=value, and close every quote."
    )


@pytest.mark.parametrize("kind", ["a folder", "a pipe", "a link to nothing"])
def test_what_is_there_but_is_no_file_is_refused(kind: str, root: Path) -> None:
    make: dict[str, Callable[[Path], None]] = {
        "a folder": Path.mkdir,
        "a pipe": os.mkfifo,
        "a link to nothing": lambda path: path.symlink_to("nothing"),
    }
    make[kind](root / ".env")
    with pytest.raises(ConfigError, match=r"\.env is no file"):
        environment(root)


def test_without_a_file_the_process_alone_speaks(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DB_USER", "process")
    assert environment(root) == {name: value for name, value in os.environ.items() if value.strip()}


IMPORT = """
import os, sys
import config
del sys.modules["config"]

class Untouchable:
    def __getattribute__(self, name): raise AssertionError("importing config read os.environ")
    __getitem__ = __iter__ = __contains__ = lambda self, *args: self.x

opened = []
os.environ = Untouchable()
sys.addaudithook(
    lambda event, args: opened.append(str(args[0])) if event in ("open", "os.mkdir") else None
)
import config
touched = {os.path.basename(path).split(".")[0] for path in opened}
assert touched == {"config"}, touched  # the module itself, which shows that the hook works
"""


def test_importing_config_touches_nothing() -> None:
    env = {"PYTHONPATH": str(config.ROOT), "PYTHONDONTWRITEBYTECODE": "1"}
    run = subprocess.run([sys.executable, "-c", IMPORT], env=env, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr


def variables_that_config_reads() -> set[str]:
    """The names in capitals that config.py mentions outside of settings(), whose are Flask's."""
    tree = ast.parse((config.ROOT / "config.py").read_text())
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and node.name == "settings":
            node.body = []
    constants = {str(node.value) for node in ast.walk(tree) if isinstance(node, ast.Constant)}
    return {each for each in constants if re.fullmatch("PORT|[A-Z]+(_[A-Z]+)+", each)}


# What only `make run` hands on, and what is Flask's own.
OF_OTHERS = {"BOOKSHELF_WELCOME", "FLASK_DEBUG"}


def test_the_example_names_every_variable_and_no_other() -> None:
    named = re.findall("^#([A-Z_]+)=", (config.ROOT / ".env.example").read_text(), re.MULTILINE)
    assert {"DATABASE_URL", "DB_PORT", "BOOKSHELF_ENV"} <= variables_that_config_reads()
    assert set(named) == variables_that_config_reads() - OF_OTHERS


def test_copying_the_example_changes_nothing(root: Path) -> None:
    before = environment(root)
    shutil.copy(config.ROOT / ".env.example", root / ".env")
    assert environment(root) == before
