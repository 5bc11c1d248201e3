"""Settings as a value: what the environment says, checked before anything connects."""

import contextlib
import fcntl
import io
import os
import re
import secrets
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import NamedTuple

from dotenv.parser import parse_stream
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

ROOT = Path(__file__).resolve().parent

# Threads of one gunicorn worker. The pool holds a connection for each, so that none waits.
THREADS = 8

SQLITE = (3, 35)  # at least: it gives back what it wrote (RETURNING)
DEFAULT = "the default"
DB_PARTS = ("DB_USER", "DB_PASSWORD", "DB_HOST", "DB_NAME")

# SQLAlchemy 2.1 reads postgresql:// as psycopg 3 and does not know postgres://, Neon's other form.
POSTGRESQL = "postgresql+psycopg2"
DIALECTS = {"sqlite": "sqlite", "sqlite+pysqlite": "sqlite"}
DIALECTS |= dict.fromkeys(("postgres", "postgresql", POSTGRESQL), POSTGRESQL)
HOST = re.compile(r"[\w.-]+|(?=.*:.*:)[\da-f:.]+", re.IGNORECASE)
# Werkzeug compares up to the first colon, so neither a port nor an IPv6 address can be trusted.
TRUSTED_HOST = re.compile(r"\.?[a-z0-9_-]{1,63}(\.[a-z0-9_-]{1,63})*")
PORTS = range(1, 65536)
HOURS, DAYS = range(1, 24 * 365 + 1), range(1, 366)
# How long a migration waits for another one, and for tables in use: the default, what is allowed.
MIGRATING = {
    "MIGRATION_WAIT_S": (600, range(86_401)),
    "MIGRATION_LOCK_TIMEOUT_MS": (2000, range(1, 60_001)),
    "MIGRATION_LOCK_ATTEMPTS": (8, range(1, 101)),
}
PORT_RULE = "needs a port from 1 to 65535, or none, which means 5432."
# After the ? these would lead past the host that is checked here, or show the password.
MISPLACED = {"host", "hostaddr", "port", "user", "password", "dbname", "service"}

# A full pool answers soon, as no proxy waits for 30 s; what was typed stays out of tracebacks. All
# pages but searches are asked for by sixty statements. Of searches there are many kinds, each of
# up to 0.4 MB: with the 500 that are kept otherwise a worker would grow by a hundred or more.
POOL = {
    "pool_size": THREADS,
    "max_overflow": 0,
    "pool_timeout": 3,
    "hide_parameters": True,
    "query_cache_size": 100,
}
# Neon suspends after 300 s and drops what is idle: hence the shorter life, beside the ping of
# core/db.py, and last in, first out lets spare connections age. A transaction pooler rejects
# start-up options: none.
POSTGRESQL_POOL = POOL | {"pool_recycle": 240, "pool_use_lifo": True}
POSTGRESQL_CONNECT = {
    "connect_timeout": 15,
    "keepalives": 1,
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
}


class ConfigError(Exception):
    """What cannot work, in one line that names the variable and the remedy."""


class Database(NamedTuple):
    """Where a database is, and in words which setting said so."""

    url: URL
    source: str


@dataclass(frozen=True)
class Door:
    """Under which names Bookshelf is reached, through how many proxies, and by whom how long."""

    trusted_hosts: tuple[str, ...]
    proxy_hops: int
    session_idle: timedelta
    session_max: timedelta
    public_api: bool
    ratelimit_storage: str = field(repr=False)  # a store's URL may hold a password
    welcome_key: str | None = field(repr=False)

    @classmethod
    def from_env(cls, given: Mapping[str, str], production: bool) -> "Door":
        """Read what is given, or raise ConfigError."""
        return cls(
            trusted_hosts=_trusted_hosts(given, production),
            proxy_hops=_whole_number(given, "PROXY_HOPS", 0, range(6)),
            session_idle=timedelta(hours=_whole_number(given, "SESSION_IDLE_HOURS", 12, HOURS)),
            session_max=timedelta(days=_whole_number(given, "SESSION_MAX_DAYS", 14, DAYS)),
            public_api=_whole_number(given, "BOOKSHELF_PUBLIC_API", 0, range(2)) == 1,
            ratelimit_storage=_ratelimit_storage(given),
            welcome_key=given.get("BOOKSHELF_WELCOME"),
        )

    def settings(self) -> dict[str, object]:
        """What create_app takes of it."""
        return {
            "TRUSTED_HOSTS": list(self.trusted_hosts),
            "PROXY_HOPS": self.proxy_hops,
            "PERMANENT_SESSION_LIFETIME": self.session_idle,
            "SESSION_MAX_AGE": self.session_max,
            "PUBLIC_API": self.public_api,
            "RATELIMIT_STORAGE_URI": self.ratelimit_storage,
            "WELCOME_KEY": self.welcome_key,
        }


@dataclass(frozen=True)
class Config:
    """All that differs between two places where Bookshelf runs."""

    production: bool
    door: Door
    secret_key: str = field(repr=False)
    serving_url: URL
    serving_source: str
    migrating_url: URL
    migrating_source: str
    migrating_patience: Mapping[str, int]

    @classmethod
    def from_env(cls, env: Mapping[str, str], root: Path = ROOT) -> "Config":
        """Read `env`, or raise ConfigError. Relative SQLite paths start at `root`.

        Only once the rest has been accepted is the disk touched, and only `root`/instance: the
        folder of the default database, and the development key.
        """
        given, root = _filled(env), root.resolve()
        _check_text(given)
        _check_folder(root)
        _check_server(given)
        production = _production(given)
        door = Door.from_env(given, production)
        serving = _serving(given, root)
        migrating = _migrating(given, root, serving)
        if serving.url.database and serving.url.drivername == "sqlite":
            _check_sqlite(serving.source)
            _check_file(Path(serving.url.database), serving.source, root / "instance")
        key = given.get("SECRET_KEY") or _development_key(root / "instance")
        patience = {name: _whole_number(given, name, *rule) for name, rule in MIGRATING.items()}
        return cls(production, door, key, *serving, *migrating, patience)

    def settings(self) -> dict[str, object]:
        """What create_app takes: plain values, the URLs as strings with their passwords."""
        sources = {"serving": self.serving_source, "migrating": self.migrating_source}
        return {
            "BOOKSHELF_ENV": "production" if self.production else "development",
            "SECRET_KEY": self.secret_key,
            # A browser takes a cookie of this prefix only with Secure, Path=/ and no Domain.
            "SESSION_COOKIE_NAME": "__Host-session" if self.production else "session",
            "SESSION_COOKIE_HTTPONLY": True,
            "SESSION_COOKIE_SAMESITE": "Lax",
            "SESSION_COOKIE_SECURE": self.production,
            "PREFERRED_URL_SCHEME": "https" if self.production else "http",
            "SQLALCHEMY_DATABASE_URI": self.serving_url.render_as_string(hide_password=False),
            "SQLALCHEMY_ENGINE_OPTIONS": _engine_options(self.serving_url),
            "MIGRATING_URL": self.migrating_url.render_as_string(hide_password=False),
            "DATABASE_SOURCES": sources,
            "DEFAULT_DATABASE": self.serving_source == DEFAULT,
            **self.migrating_patience,
            **self.door.settings(),
        }


def _ratelimit_storage(given: Mapping[str, str]) -> str:
    store = given.get("RATELIMIT_STORAGE_URI", "memory://")
    if not store.startswith(("memory://", "redis://", "rediss://")):
        raise ConfigError("RATELIMIT_STORAGE_URI must begin with redis:// or rediss://.")
    return store


def environment(root: Path = ROOT) -> dict[str, str]:
    """The variables of the process over those of `root`/.env, without the empty ones."""
    return _filled(_from_file(root / ".env")) | _filled(os.environ)


def _from_file(file: Path) -> dict[str, str | None]:
    """The variables of a file, if there is one; a line that only seems to set one is refused."""
    values: dict[str, str | None] = {}
    for binding in parse_stream(io.StringIO(_text(file))):
        colon = binding.key and binding.value is None and not binding.key.isidentifier()
        if binding.error or colon:  # what comes after would be missing, and mean the default
            written = binding.original.string
            line = binding.original.line + written[: -len(written.lstrip())].count("\n")
            raise ConfigError(f"{file}, line {line}: write NAME=value, and close every quote.")
        if binding.key:
            values[binding.key] = binding.value
    return values


def _text(file: Path) -> str:
    """What stands in a file; nothing if it is not there."""
    if not os.path.lexists(file):
        return ""
    if not file.is_file():
        raise ConfigError(f"{file} is no file; put one in its place, or take it away.")
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        raise ConfigError(f"{file} cannot be read; save it as UTF-8 text.") from None


def _filled(env: Mapping[str, str | None]) -> dict[str, str]:
    """Without what is empty or blank: compose files and CI hand on as "" what they lack."""
    return {name: value for name, value in env.items() if value and not value.isspace()}


def _check_text(given: Mapping[str, str]) -> None:
    """Refuse bytes that are no UTF-8, which Python hands on as surrogates."""
    for name in ("SECRET_KEY", "DATABASE_URL", "DATABASE_URL_UNPOOLED", *DB_PARTS):
        try:
            given.get(name, "").encode()
        except UnicodeEncodeError:
            raise ConfigError(f"{name} is no text in UTF-8; write it anew.") from None


def _check_folder(root: Path) -> None:
    """Refuse a folder that Alembic's configuration would read as a reference to something."""
    if "%" in str(root):
        raise ConfigError(f"Alembic cannot work below a folder with % in its name; rename {root}")


def _check_server(given: Mapping[str, str]) -> None:
    """Refuse what gunicorn would stumble over with a traceback."""
    _whole_number(given, "PORT", 8000, PORTS)
    _whole_number(given, "WEB_CONCURRENCY", 2, range(1, 65))


def _whole_number(given: Mapping[str, str], name: str, default: int, allowed: range) -> int:
    number = given.get(name, str(default))
    if not re.fullmatch(r"[0-9]{1,5}", number) or int(number) not in allowed:
        raise ConfigError(f"{name} must be a whole number from {allowed[0]} to {allowed[-1]}.")
    return int(number)


def _production(given: Mapping[str, str]) -> bool:
    stage = given.get("BOOKSHELF_ENV", "development")
    if stage not in ("development", "production"):
        raise ConfigError("BOOKSHELF_ENV must be development (as when unset) or production.")
    if stage == "production" and len(given.get("SECRET_KEY", "")) < 50:
        raise ConfigError(
            "SECRET_KEY must have at least 50 characters in production; make one with: "
            'python -c "import secrets; print(secrets.token_urlsafe(48))"'
        )
    if stage == "production" and given.get("FLASK_DEBUG", "0").lower() not in ("0", "false", "no"):
        raise ConfigError("FLASK_DEBUG shows code and values to visitors; unset it in production.")
    return stage == "production"


def _trusted_hosts(given: Mapping[str, str], production: bool) -> tuple[str, ...]:
    """The names under which Bookshelf answers; a leading dot stands for any subdomain too."""
    named = given.get("TRUSTED_HOSTS", "" if production else "localhost,127.0.0.1")
    hosts = tuple(host.strip().lower() for host in named.split(","))
    if not all(map(TRUSTED_HOST.fullmatch, hosts)):
        raise ConfigError("TRUSTED_HOSTS must name hosts, without ports, as in books.example.org")
    return hosts


def _serving(given: Mapping[str, str], root: Path) -> Database:
    for name in ("DATABASE_URL", "DATABASE_URL_UNPOOLED"):
        if name in given:
            return Database(_url(name, given[name], root), name)
    if "DB_PORT" in given or any(name in given for name in DB_PARTS):
        return Database(_composed_url(given), "the DB_* variables")
    return Database(URL.create("sqlite", database=str(root / "instance/bookshelf.db")), DEFAULT)


def _migrating(given: Mapping[str, str], root: Path, serving: Database) -> Database:
    name = "DATABASE_URL_UNPOOLED"
    if name not in given:
        direct, derived = _direct(serving.url), f"derived from {serving.source} by dropping -pooler"
        return serving if direct == serving.url else Database(direct, derived)
    url = _url(name, given[name], root)
    if url != _direct(url):
        raise ConfigError(f"{name} cannot migrate through a pooler; drop -pooler from its host.")
    # Two PostgreSQL URLs may differ in everything: a pooler has hosts, ports and names of its own.
    if "sqlite" in (url.drivername, serving.url.drivername) and url != serving.url:
        raise ConfigError(f"{name} names another database than DATABASE_URL; unset one of them.")
    return Database(url, name)


def _direct(url: URL) -> URL:
    """The same database without Neon's pooler, whose host's first label ends in -pooler."""
    host = re.sub(r"^([^.]+)-pooler(?=\.|$)", r"\1", url.host or "", flags=re.IGNORECASE)
    return url.set(host=host) if host else url


def _composed_url(given: Mapping[str, str]) -> URL:
    missing = [name for name in DB_PARTS if name not in given]
    if missing:
        raise ConfigError(f"The DB_* variables work together; set {', '.join(missing)} too.")
    user, password, host, database = (given[name] for name in DB_PARTS)
    if not HOST.fullmatch(host):
        raise ConfigError("DB_HOST must be a host's name alone; the port belongs in DB_PORT.")
    port = given.get("DB_PORT", "5432")
    if not re.fullmatch(r"\d{1,5}", port) or int(port) not in PORTS:
        raise ConfigError(f"DB_PORT {PORT_RULE}")
    return URL.create(POSTGRESQL, user, password, host, int(port), database)


def _url(name: str, value: str, root: Path) -> URL:
    """The URL in the variable `name`, with the driver or the absolute path that it stands for."""
    # Neon hands URLs out in quotes, and what is not a shell keeps them.
    text = re.sub(r"""^(['"])(.*)\1$""", r"\2", value.strip()).strip()
    if re.match(r"psql\s", text):
        raise ConfigError(f"{name} holds a psql command; set it to the URL alone.")
    url = _parsed(name, text)
    if url.drivername not in DIALECTS:
        raise ConfigError(f"{name} asks for {url.drivername}; write postgresql:// or sqlite:///")
    url = url.set(drivername=DIALECTS[url.drivername])
    return _sqlite(name, url, root) if url.drivername == "sqlite" else _postgresql(name, url)


def _parsed(name: str, text: str) -> URL:
    try:
        url = make_url(text)
    except ArgumentError:
        raise ConfigError(f"{name} is no URL; write postgresql://user:password@host/name") from None
    except ValueError:  # the port is the only number in a URL
        raise ConfigError(f"{name} {PORT_RULE}") from None
    if url.port is not None and url.port not in PORTS:
        raise ConfigError(f"{name} {PORT_RULE}")
    return url


def _postgresql(name: str, url: URL) -> URL:
    # A raw @ in a password ends it early, and its rest lands in the host or in the database.
    host = HOST.fullmatch(url.host or "") and "@" not in (url.database or "@")
    if not host or MISPLACED & url.query.keys():
        raise ConfigError(
            f"{name} must give host and database as in postgresql://user:password@host/name, "
            "nothing of these after a ?, and any @ in the password as %40."
        )
    return url


def _sqlite(name: str, url: URL, root: Path) -> URL:
    # In memory, every connection would see a database of its own.
    file = url.database or ":memory:"
    if file.startswith((":memory:", "file:")) or url != URL.create("sqlite", database=file):
        raise ConfigError(
            f"{name} must name a file: sqlite:///name.db or sqlite:////folder/name.db"
        )
    return url.set(database=str((root / file).resolve()))


def _check_sqlite(source: str) -> None:
    """Refuse a SQLite that is too old."""
    if sqlite3.sqlite_version_info < SQLITE:
        raise ConfigError(
            f"{source} means SQLite, of which this Python has {sqlite3.sqlite_version}; "
            f"{'.'.join(map(str, SQLITE))} or newer is needed: use another Python, or PostgreSQL."
        )


def _check_file(file: Path, source: str, instance: Path) -> None:
    """Make a missing SQLite file; refuse one without a folder for it and its journal."""
    if file.parent == instance:  # any other missing folder is likelier a slip of the pen
        with contextlib.suppress(OSError):
            instance.mkdir(mode=0o700, exist_ok=True)
    # The slash lets only a folder pass.
    if not os.access(f"{file.parent}/", os.W_OK | os.X_OK) or file.is_dir():
        raise ConfigError(
            f"{source} means the SQLite file {file}, which cannot be written; "
            "make its folder writable, or name another file in DATABASE_URL."
        )
    # SQLite would make a file that all may read, and gives its journal the same mode.
    with contextlib.suppress(OSError):
        os.close(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))


def _development_key(instance: Path) -> str:
    """The key that keeps people signed in across restarts, made by whoever asks first."""
    try:
        instance.mkdir(mode=0o700, exist_ok=True)
        descriptor = os.open(instance / "secret_key", os.O_RDWR | os.O_CREAT, 0o600)
        with os.fdopen(descriptor, "r+", encoding="ascii") as file:
            # Held until closing: of two processes, the second reads what the first has written.
            fcntl.flock(file, fcntl.LOCK_EX)
            key = file.read().strip()
            if not key:
                os.fchmod(descriptor, 0o600)
                key = secrets.token_urlsafe(48)
                file.write(key)
    except (OSError, UnicodeDecodeError):
        raise ConfigError(
            f"SECRET_KEY is unset, and {instance} cannot keep one for development; "
            "make that folder writable, or set SECRET_KEY."
        ) from None
    return key


def _engine_options(url: URL) -> dict[str, object]:
    if url.drivername == "sqlite":
        # The driver must not begin transactions itself: BEGIN IMMEDIATE is the application's.
        return POOL | {"connect_args": {"isolation_level": None, "timeout": 5}}
    # What the URL says itself, such as a connect_timeout of its own, stays.
    connect = {name: value for name, value in POSTGRESQL_CONNECT.items() if name not in url.query}
    return POSTGRESQL_POOL | {"connect_args": connect}
