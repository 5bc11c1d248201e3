"""What cannot work is refused in one line, which holds no password, and leaves no file behind."""

import re
import subprocess
import sys
import traceback
from pathlib import Path

import pytest
from environments import CANARY, DIRECT, LONG_KEY, PARTS, POOLED, PRODUCTION, Env, both, read

from config import ConfigError


def url(rest: str) -> Env:
    """A DATABASE_URL of PostgreSQL whose password is the canary."""
    return {"DATABASE_URL": f"postgresql://ann:{CANARY}@{rest}"}


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


def refusal(env: Env, root: Path) -> ConfigError:
    """What is said of an environment that is refused."""
    with pytest.raises(ConfigError) as caught:
        read(env, root)
    return caught.value


def test_bytes_that_are_no_text_are_refused(root: Path) -> None:
    assert "SECRET_KEY is no text in UTF-8" in str(
        refusal({"SECRET_KEY": "k" * 60 + "\udcff"}, root)
    )


def test_a_folder_that_alembic_cannot_work_in_is_refused(root: Path) -> None:
    (folder := root / "100% books").mkdir()
    assert "% in its name" in str(refusal({"SECRET_KEY": LONG_KEY}, folder))


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


def test_the_message_about_the_key_says_how_to_make_one(root: Path) -> None:
    said = str(refusal({"BOOKSHELF_ENV": "production", "SECRET_KEY": ""}, root))
    command = re.search('python -c "(.+)"', said)
    assert command
    made = subprocess.run([sys.executable, "-c", command[1]], capture_output=True, text=True)
    key = made.stdout.strip()
    found = read(PRODUCTION | {"SECRET_KEY": key}, root)
    assert found.settings()["SECRET_KEY"] == key


def test_a_store_that_cannot_be_used_is_refused_without_its_password(root: Path) -> None:
    said = str(refusal({"RATELIMIT_STORAGE_URI": f"nonsense://:{CANARY}@h/0"}, root))
    assert said.startswith("RATELIMIT_STORAGE_URI must begin with redis://")
    assert CANARY not in said


def test_the_default_database_names_the_folder_that_cannot_hold_it(root: Path) -> None:
    said = str(refusal({}, root / "file"))
    assert said.startswith(f"the default means the SQLite file {root / 'file/instance'}")


def test_a_sqlite_that_is_too_old_is_refused(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sqlite3.sqlite_version_info", (3, 34, 1))
    said = str(refusal({}, root))
    assert said.startswith("the default means SQLite, ")
    assert "3.35 or newer is needed" in said
    read({"DATABASE_URL": DIRECT}, root)
