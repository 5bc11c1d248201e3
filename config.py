"""Settings as a value: what the environment says, checked before anything connects."""

import contextlib
import fcntl
import io
import os
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from dotenv.parser import parse_stream
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

ROOT = Path(__file__).resolve().parent

# Threads of one gunicorn worker. The pool holds a connection for each, so that none waits.
THREADS = 8

DEFAULT = "the default"
DB_PARTS = ("DB_USER", "DB_PASSWORD", "DB_HOST", "DB_NAME")

# SQLAlchemy 2.1 reads postgresql:// as psycopg 3 and does not know postgres://, Neon's other form.
POSTGRESQL = "postgresql+psycopg2"
DIALECTS = {"sqlite": "sqlite", "sqlite+pysqlite": "sqlite"}
DIALECTS |= dict.fromkeys(("postgres", "postgresql", POSTGRESQL), POSTGRESQL)
HOST = re.compile(r"[\w.-]+|(?=.*:.*:)[\da-f:.]+", re.IGNORECASE)
PORTS = range(1, 65536)
PORT_RULE = "needs a port from 1 to 65535, or none, which means 5432."
# After the ? these would lead past the host that is checked here, or show the password.
MISPLACED = {"host", "hostaddr", "port", "user", "password", "dbname", "service"}

# A full pool answers soon: a proxy does not wait for SQLAlchemy's 30 s.
POOL = {"pool_size": THREADS, "max_overflow": 0, "pool_timeout": 3}
# Neon suspends after 300 s and drops what is idle: hence the ping and the shorter life, and last
# in, first out lets spare connections age. A transaction pooler rejects start-up options: none.
POSTGRESQL_POOL = POOL | {"pool_pre_ping": True, "pool_recycle": 240, "pool_use_lifo": True}
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
class Config:
    """All that differs between two places where Bookshelf runs."""

    production: bool
    secret_key: str = field(repr=False)
    serving_url: URL
    serving_source: str
    migrating_url: URL
    migrating_source: str

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
        serving = _serving(given, root)
        migrating = _migrating(given, root, serving)
        if serving.url.database and serving.url.drivername == "sqlite":
            _check_file(Path(serving.url.database), serving.source, root / "instance")
        key = given.get("SECRET_KEY") or _development_key(root / "instance")
        return cls(production, key, *serving, *migrating)

    def settings(self) -> dict[str, object]:
        """What create_app takes: plain values, the URLs as strings with their passwords."""
        sources = {"serving": self.serving_source, "migrating": self.migrating_source}
        return {
            "BOOKSHELF_ENV": "production" if self.production else "development",
            "SECRET_KEY": self.secret_key,
            "SESSION_COOKIE_HTTPONLY": True,
            "SESSION_COOKIE_SAMESITE": "Lax",
            "SESSION_COOKIE_SECURE": self.production,
            "SQLALCHEMY_DATABASE_URI": self.serving_url.render_as_string(hide_password=False),
            "SQLALCHEMY_ENGINE_OPTIONS": _engine_options(self.serving_url),
            "MIGRATING_URL": self.migrating_url.render_as_string(hide_password=False),
            "DATABASE_SOURCES": sources,
            "DEFAULT_DATABASE": self.serving_source == DEFAULT,
        }


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
    for name, most in (("PORT", 65535), ("WEB_CONCURRENCY", 64)):
        number = given.get(name, "1")
        if not re.fullmatch(r"\d{1,5}", number) or not 1 <= int(number) <= most:
            raise ConfigError(f"{name} must be a whole number from 1 to {most}.")


def _production(given: Mapping[str, str]) -> bool:
    stage = given.get("BOOKSHELF_ENV", "development")
    if stage not in ("development", "production"):
        raise ConfigError("BOOKSHELF_ENV must be development (as when unset) or production.")
    if stage == "production" and len(given.get("SECRET_KEY", "")) < 50:
        raise ConfigError(
            "SECRET_KEY must have at least 50 characters in production; make one with: "
            'python -c "import secrets; print(secrets.token_urlsafe(48))"'
        )
    return stage == "production"


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


def _check_file(file: Path, source: str, instance: Path) -> None:
    """Refuse a SQLite file without a folder for it and its journal to be written in."""
    if file.parent == instance:  # any other missing folder is likelier a slip of the pen
        with contextlib.suppress(OSError):
            instance.mkdir(mode=0o700, exist_ok=True)
    # The slash lets only a folder pass.
    if not os.access(f"{file.parent}/", os.W_OK | os.X_OK) or file.is_dir():
        raise ConfigError(
            f"{source} means the SQLite file {file}, which cannot be written; "
            "make its folder writable, or name another file in DATABASE_URL."
        )


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
