"""The databases that tests run on, clean for each test, and the house rules for every page."""

import os
import re
import secrets
import shlex
import shutil
import sqlite3
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg2
import pytest
import servers
from alembic.config import Config as AlembicConfig
from alembic.script import ScriptDirectory
from flask import Flask, url_for
from flask.testing import FlaskClient
from flask_migrate import upgrade
from house import HousekeepingClient
from hypothesis import settings
from sqlalchemy import NullPool, create_engine, make_url, text

from bookshelf.app import create_app
from bookshelf.core.db import db
from config import Config

# The machine may be busy: how long an example takes says nothing.
settings.register_profile("unhurried", deadline=None)
settings.load_profile("unhurried")

made_for_one_test: list[Flask] = []
ROOT = Path(__file__).resolve().parent.parent
REVISIONS = ScriptDirectory(str(ROOT / "migrations"))
HEAD = str(REVISIONS.get_current_head())
REQUIRED = os.environ.get("BOOKSHELF_REQUIRE", "").split(",")


@dataclass(frozen=True)
class Place:
    """A database: the URL that serves, the URL that migrates."""

    kind: str
    serving: str
    migrating: str

    def settings(self) -> dict[str, Any]:
        """The settings that the environment of this place gives."""
        env = {
            "DATABASE_URL": self.serving,
            "DATABASE_URL_UNPOOLED": self.migrating,
            "SECRET_KEY": "only-for-tests",
        }
        return Config.from_env(env).settings()

    def app(self, **changes: object) -> Flask:
        """An application over this place."""
        app = create_app(self.settings() | {"TESTING": True} | changes)
        app.test_client_class = HousekeepingClient
        made_for_one_test.append(app)
        return app


def style_sheet(app: Flask) -> str:
    """The address of a static file, in which the hash of them all stands."""
    with app.test_request_context():
        return url_for("static", filename="css/bookshelf.css")


def after_head(steps: int = 1) -> str:
    """The number of a revision that is not written yet."""
    return f"{int(HEAD) + steps:04d}"


def have(part: Callable[[], Any]) -> Any:
    """Enter a real part, or skip what needs it, or fail where it is required."""
    try:
        return part()
    except servers.Missing as lack:
        if lack.part in REQUIRED:
            raise
        pytest.skip(str(lack))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say loudly what was not tested for want of a part."""
    skipped = [str(report.longrepr[2]) for report in terminalreporter.stats.get("skipped", [])]
    lacking = Counter(reason for reason in skipped if "is missing; try" in reason)
    for reason, count in lacking.items():
        line = f"NOT TESTED: {count} tests, as {reason.removeprefix('Skipped: ')}"
        terminalreporter.write_line(line, red=True, bold=True)


@pytest.fixture(scope="session")
def postgresql() -> Iterator[servers.Server]:
    with have(servers.postgresql) as server:
        yield server


@pytest.fixture(scope="session")
def pgbouncer(postgresql: servers.Server) -> Iterator[servers.Server]:
    have(servers.find_pgbouncer)
    with servers.pgbouncer(postgresql) as pooler:
        yield pooler


@pytest.fixture(scope="session")
def create_place(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str], Place]:
    """Make an empty database: "sqlite", "postgresql", or "pgbouncer" to serve through a pooler."""

    def create(kind: str) -> Place:
        if kind == "sqlite":
            url = f"sqlite:///{tmp_path_factory.mktemp('shelf') / 'bookshelf.db'}"
            return Place(kind, url, url)
        server = request.getfixturevalue("postgresql")
        front = request.getfixturevalue(kind)
        name = f"shelf_{secrets.token_hex(6)}"
        execute(server.url("postgres"), f"CREATE DATABASE {name}")
        return Place(kind, front.url(name), server.url(name))

    return create


@pytest.fixture(scope="session")
def standing(
    create_place: Callable[[str], Place],
) -> Iterator[Callable[[str], tuple[Place, Flask]]]:
    """A migrated database of each kind with its app, made once."""
    made: dict[str, tuple[Place, Flask]] = {}

    def stand(kind: str) -> tuple[Place, Flask]:
        if kind not in made:
            place = create_place(kind)
            app = place.app()
            made_for_one_test.remove(app)
            with app.app_context():
                upgrade()
            made[kind] = place, app
        return made[kind]

    yield stand
    for _, app in made.values():
        dispose(app)


@pytest.fixture(autouse=True)
def _close_connections() -> Iterator[None]:
    """Leave no connection open: Python 3.13 warns of those that nobody closed."""
    yield
    while made_for_one_test:
        dispose(made_for_one_test.pop())


def dispose(app: Flask) -> None:
    """Close the connections of an application."""
    with app.app_context():
        db.engine.dispose()


@pytest.fixture(params=["sqlite", "postgresql", "pgbouncer"])
def place(request: pytest.FixtureRequest, standing: Any) -> Place:
    """A migrated database without rows; each test that asks runs once on each kind."""
    found: Place
    found, app = standing(request.param)
    with app.app_context(), db.engine.begin() as connection:
        for table in ("books", "authors", "users", "sign_in_tries"):
            connection.execute(text(f"DELETE FROM {table}"))
            connection.execute(text(restart(found.kind, table)))
    return found


@pytest.fixture
def app(place: Place, standing: Any) -> Iterator[Flask]:
    """The application over a clean database, in its context."""
    _, app = standing(place.kind)
    with app.app_context():
        yield app
        db.session.rollback()


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """A client that checks the house rules on every page that it is given."""
    return app.test_client()


@pytest.fixture
def make_app(place: Place) -> Callable[..., Flask]:
    """Make an application with other settings over the clean database."""
    return place.app


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_place(request: pytest.FixtureRequest, create_place: Callable[[str], Place]) -> Place:
    """A new database in which nothing has run."""
    return create_place(request.param)


@pytest.fixture
def sqlite_place(create_place: Callable[[str], Place]) -> Place:
    """An empty SQLite file."""
    return create_place("sqlite")


@pytest.fixture
def server_place(create_place: Callable[[str], Place]) -> Place:
    """An empty database on PostgreSQL."""
    return create_place("postgresql")


@pytest.fixture(scope="session")
def base_url() -> None:
    """Tests name whole addresses; pytest-playwright's own fixture warns under pytest 9."""


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any]) -> dict[str, Any]:
    """Debian's Chromium, quiet on a machine without the internet."""
    quiet = "gpu quic background-networking component-update sync dev-shm-usage"
    flags = ["--no-first-run", *(f"--disable-{feature}" for feature in quiet.split())]
    sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []
    path = have(servers.chromium)
    return browser_type_launch_args | {"executable_path": path, "args": flags + sandbox}


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A copy of the project in which a test may write revisions."""
    for name in ("bookshelf", "migrations", "templates", "static"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("wsgi.py", "config.py", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path)
    return tmp_path


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A project's folder with a folder `data` and a program `file`."""
    (tmp_path / "data").mkdir()
    (tmp_path / "file").touch(mode=0o777)
    return tmp_path.resolve()


def plant(checkout: Path, number: str, below: str, up: str, down: str = "pass") -> None:
    """Write a revision; `up` and `down` are statements."""
    code = f"""
import sqlalchemy as sa
from alembic import op
revision, down_revision = "{number}", "{below}"
def upgrade():
    {up}
def downgrade():
    {down}
"""
    (checkout / f"migrations/versions/{number}_planted.py").write_text(code)


@contextmanager
def writing(place: Place) -> Iterator[None]:
    """Somebody writes to the SQLite file all the while."""
    with closing(sqlite3.connect(str(make_url(place.serving).database))) as writer:
        writer.execute("BEGIN IMMEDIATE")
        yield


# The rest of the environment would say where the copy of the project is to look.
KEPT = re.compile(r"PATH|HOME|LANG|TMPDIR|LC_.*")


def run_flask(
    folder: Path,
    place: Place | None,
    command: str,
    *,
    status: int = 0,
    given: Mapping[str, str] | None = None,
) -> str:
    """What `flask` prints to both outputs in a copy of the project; the exit status must fit."""
    env = {name: value for name, value in os.environ.items() if KEPT.fullmatch(name)}
    if place:
        env |= {"DATABASE_URL": place.serving, "DATABASE_URL_UNPOOLED": place.migrating}
    program = [sys.executable, "-W", "error", "-m", "flask", *shlex.split(command)]
    finished = subprocess.run(
        program,
        cwd=folder,
        env=env | dict(given or {}),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert "Traceback" not in finished.stdout, finished.stdout
    assert finished.returncode == status, finished.stdout
    return finished.stdout


@contextmanager
def migrating(
    place: Place, folder: Path | None = None, *, x_arg: Sequence[str] = (), **changes: object
) -> Iterator[AlembicConfig]:
    """What Alembic's commands take, in the context of an app; given a copy, for its revisions.

    `x_arg` is what `flask db` was given with -x.
    """
    app = place.app(**changes)
    if folder:
        app.extensions["migrate"].migrate.directory = str(folder / "migrations")
        app.extensions["migrate"].directory = str(folder / "migrations")
    with app.app_context():
        known = app.extensions["migrate"]
        yield known.migrate.get_config(known.directory, x_arg=list(x_arg))
        db.engine.dispose()


def ask(place: Place, statement: str, **values: object) -> list[tuple[Any, ...]]:
    """Execute and commit a statement on the direct URL; the rows that it gives, if any."""
    url = make_url(place.migrating).set(drivername=driver(place.kind))
    engine = create_engine(url, poolclass=NullPool)
    with engine.begin() as connection:
        result = connection.execute(text(statement), values)
        return [tuple(row) for row in result] if result.returns_rows else []


def driver(kind: str) -> str:
    """The SQLAlchemy driver of a kind of place."""
    return "sqlite" if kind == "sqlite" else "postgresql+psycopg2"


def restart(kind: str, table: str) -> str:
    """The statement after which ids start at 1 again."""
    if kind == "sqlite":
        return f"DELETE FROM sqlite_sequence WHERE name = '{table}'"
    return f"ALTER SEQUENCE {table}_id_seq RESTART"


def execute(url: str, statement: str) -> None:
    """Run one statement on PostgreSQL outside any transaction."""
    connection = psycopg2.connect(url)
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute(statement)
    connection.close()
