"""Serving while the schema changes below: through a real pooler, behind, ahead, and away."""

import contextlib
import itertools
import os
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest
import servers
from alembic import command
from conftest import HEAD, Place, after_head, ask, execute, migrating, style_sheet
from flask import Flask
from flask.testing import FlaskClient
from house import HousekeepingClient, add_person, cookie_of, form_of
from serving import Crowd, Visitor
from sqlalchemy import event

from bookshelf.core.db import db

ROOT = Path(__file__).resolve().parent.parent
PATIENCE = 30  # seconds until a program has to answer
ADDED = 60  # authors that are to be added while the schema changes
KINDS = ["sqlite", "postgresql", "pgbouncer"]
PAGES = ["/", "/authors/", "/authors/new", "/books/", "/api/authors", "/api/books"]

Create = Callable[[str], Place]

# One table: with two, a migration and a page that reads both may wait for each other.
HARMLESS = f"""
import sqlalchemy as sa
from alembic import op
revision, down_revision = "{after_head()}", "{HEAD}"
def upgrade():
    op.add_column("authors", sa.Column("nickname", sa.Text(), nullable=True))
def downgrade():
    op.drop_column("authors", "nickname")
"""


class Visitors(Crowd):
    """Visitors who read and write until the block ends; what they were given, whom they added."""

    def __init__(self, address: str, cookie: str) -> None:
        self.statuses: Counter[int] = Counter()
        self.added: list[str] = []
        kinds = (self.read, self.write, self.read, self.write)
        super().__init__(
            *(partial(kind, Visitor(address, cookie), number) for number, kind in enumerate(kinds))
        )

    @property
    def all_is_well(self) -> bool:
        """Whether nobody was given an error so far."""
        return set(self.statuses) <= {200}

    def read(self, visitor: Visitor, number: int) -> None:
        """Open every page, over and over."""
        while not self.done.is_set():
            self.statuses.update(visitor.visit(page) for page in PAGES)

    def write(self, visitor: Visitor, number: int) -> None:
        """Add one author after another."""
        for count in itertools.takewhile(lambda _: not self.done.is_set(), itertools.count()):
            name = f"Writer {number} {count}"
            status = visitor.add_author(name)
            self.statuses[status] += 1
            if status == 200:
                self.added.append(name)


@contextlib.contextmanager
def serving(place: Place) -> Iterator[str]:
    """gunicorn as in production, over a place; its address."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    env = os.environ | {
        "PORT": str(port),
        "DATABASE_URL": place.serving,
        "DATABASE_URL_UNPOOLED": place.migrating,
        "SECRET_KEY": "only-for-tests",
    }
    program = [sys.executable, "-W", "error", "-m", "gunicorn"]
    with subprocess.Popen(program, cwd=ROOT, env=env, start_new_session=True) as gunicorn:
        try:
            wait_for(port, gunicorn)
            yield f"http://127.0.0.1:{port}"
        finally:
            gunicorn.terminate()
            try:
                gunicorn.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                os.killpg(gunicorn.pid, signal.SIGKILL)
    assert gunicorn.returncode == 0


def wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    """Wait until somebody listens at the port."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        assert process.poll() is None, "gunicorn has ended"
        with contextlib.suppress(OSError):
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        time.sleep(0.05)
    raise AssertionError("gunicorn does not answer")


def test_pages_are_served_through_a_pooler_while_the_schema_changes_on_the_direct_url(
    checkout: Path, create_place: Create
) -> None:
    place = create_place("pgbouncer")
    (checkout / f"migrations/versions/{after_head()}_planted.py").write_text(HARMLESS)
    with migrating(place, checkout) as config:
        command.upgrade(config, HEAD)
        add_person("editor")
        with serving(place) as address, Visitors(address, cookie_of("editor")) as crowd:
            deadline = time.monotonic() + PATIENCE
            while crowd.all_is_well and len(crowd.added) < ADDED and time.monotonic() < deadline:
                command.upgrade(config, "head")
                command.downgrade(config, "-1")
    assert set(crowd.statuses) == {200}, crowd.statuses
    assert len(crowd.added) >= ADDED
    found = [name for (name,) in ask(place, "SELECT name FROM authors")]
    assert sorted(found) == sorted(crowd.added)


@contextlib.contextmanager
def visiting(place: Place) -> Iterator[tuple[Flask, HousekeepingClient]]:
    """An app over a place, and a client that checks every page."""
    app = place.app()
    client = app.test_client()
    assert isinstance(client, HousekeepingClient)
    yield app, client
    with app.app_context():
        db.engine.dispose()


def migrate(place: Place, revision: str) -> None:
    """Bring a place up or down to a revision, whatever is lost."""
    with migrating(place, x_arg=["allow-data-loss=all"]) as config:
        known = ask(place, "SELECT version_num FROM alembic_version") if revision < "0003" else []
        (command.downgrade if known else command.upgrade)(config, revision)


@pytest.fixture(params=["postgresql", "pgbouncer"])
def server_place(request: pytest.FixtureRequest, create_place: Create) -> Place:
    """A migrated database on the server, served directly or through the pooler."""
    place = create_place(request.param)
    migrate(place, "head")
    return place


def test_a_hundred_requests_share_one_connection_without_start_up_options(
    server_place: Place,
) -> None:
    asked: list[dict[str, object]] = []
    with visiting(server_place) as (app, client):
        with app.app_context():
            note = lambda dialect, record, args, parameters: asked.append(parameters)  # noqa: E731
            event.listen(db.engine, "do_connect", note)
        assert {client.get(PAGES[n % len(PAGES)]).status_code for n in range(100)} == {200}
    assert len(asked) == 1
    assert "options" not in asked[0]


def test_connections_that_the_server_dropped_are_replaced_unnoticed(server_place: Place) -> None:
    kill = (
        # Told to go, a server may still take what it is sent; with a time it is waited for.
        f"SELECT pg_terminate_backend(pid, {PATIENCE * 1000}) FROM pg_stat_activity "
        "WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    killed = 0
    with visiting(server_place) as (_, client):
        for number in range(10):
            assert client.get("/authors/").status_code == 200
            name = f"Writer {number}"
            killed += len(ask(server_place, kill))
            added = client.submit("/authors/new", name=name) if number % 2 else client.get("/")
            assert added.status_code in (200, 302, 303)
    assert killed >= 10
    assert ask(server_place, "SELECT count(*) FROM authors") == [(5,)]


BEHIND = f"The database is at {{}}, the code needs {HEAD}: run `flask db upgrade`"


@pytest.mark.parametrize("kind", KINDS)
def test_code_ahead_of_the_database_says_so_until_it_is_upgraded(
    kind: str, create_place: Create
) -> None:
    place = create_place(kind)
    migrate(place, "head")
    with visiting(place) as (app, client):
        form = form_of(client.get("/authors/new").text) | {"name": "Never lost"}
        assert {client.get(page).status_code for page in PAGES} == {200}

        migrate(place, "0002")
        refused = client.post("/authors/new", data=form)
        assert refused.status_code == 503
        assert BEHIND.format("0002") in refused.text
        for page in PAGES:
            response = client.get(page)
            said = response.get_json()["detail"] if page.startswith("/api") else response.text
            assert BEHIND.format("0002") in said
            assert response.status_code == 503
            assert int(response.headers["Retry-After"]) > 0
        with client.get(style_sheet(client.application)) as style:
            assert style.status_code == 200

        migrate(place, "head")
        with app.app_context():
            add_person("editor")  # who went with the table
        assert {client.get(page).status_code for page in PAGES} == {200}
        assert client.post("/authors/new", data=form).status_code in (302, 303)
    assert ask(place, "SELECT name FROM authors") == [("Never lost",)]


@pytest.mark.parametrize("kind", KINDS)
def test_a_failing_statement_on_any_page_finds_that_the_database_is_behind(
    kind: str, create_place: Create
) -> None:
    place = create_place(kind)
    migrate(place, "head")
    for page in PAGES:
        if page == "/authors/new":  # which asks the database nothing
            continue
        with visiting(place) as (_, client):
            assert client.get("/authors/new").status_code == 200
            migrate(place, "0002")
            response = client.get(page)
            migrate(place, "head")
        assert response.status_code == 503, page
        assert "at 0002" in response.text


@pytest.mark.parametrize("kind", KINDS)
def test_a_database_in_which_nothing_has_run_is_behind(kind: str, create_place: Create) -> None:
    with visiting(create_place(kind)) as (_, client):
        response = client.get("/")
    assert response.status_code == 503
    assert BEHIND.format("no revision") in response.text


@pytest.mark.parametrize("kind", KINDS)
def test_a_database_ahead_of_the_code_serves(kind: str, create_place: Create) -> None:
    place = create_place(kind)
    migrate(place, "head")
    ask(place, "UPDATE alembic_version SET version_num = '0099'")
    with visiting(place) as (_, client):
        assert {client.get(page).status_code for page in PAGES} == {200}
        assert client.submit("/authors/new", name="Ada").status_code in (302, 303)


def is_away(client: FlaskClient) -> None:
    """Every page says that the database is away, and soon."""
    for page in PAGES[:2] + PAGES[-1:]:
        begun = time.monotonic()
        response = client.get(page)
        assert time.monotonic() - begun < 5
        assert response.status_code == 503, response.text
        assert int(response.headers["Retry-After"]) > 0
        assert "database" in response.text
    assert response.mimetype == "application/problem+json"


def test_a_database_that_was_never_there_is_away() -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    url = f"postgresql://ann:s3cret@127.0.0.1:{port}/shelf"
    with visiting(Place("postgresql", url, url)) as (_, client):
        is_away(client)


def test_a_pooler_that_stops_is_away(postgresql: servers.Server, create_place: Create) -> None:
    place = create_place("pgbouncer")
    migrate(place, "head")
    with servers.pgbouncer(postgresql) as pooler:
        name = place.migrating.rpartition("/")[2]
        own = Place("pgbouncer", pooler.url(name), place.migrating)
        with contextlib.ExitStack() as until_stopped:
            _, client = until_stopped.enter_context(visiting(own))
            form = form_of(client.get("/authors/new").text) | {"name": "Ada"}
            assert client.get("/authors/").status_code == 200
            until_stopped.pop_all()
    is_away(client)
    assert client.post("/authors/new", data=form).status_code == 503
    assert ask(place, "SELECT count(*) FROM authors") == [(0,)]


def test_a_database_that_was_away_serves_when_it_is_back(create_place: Create) -> None:
    place = create_place("postgresql")
    migrate(place, "head")
    name, elsewhere = place.migrating.rpartition("/")[2], place.migrating.rpartition("/")[0]
    with visiting(place) as (app, client):
        client.sign_in("editor")
        with app.app_context():
            db.engine.dispose()
        execute(f"{elsewhere}/postgres", f"ALTER DATABASE {name} RENAME TO {name}_away")
        is_away(client)
        execute(f"{elsewhere}/postgres", f"ALTER DATABASE {name}_away RENAME TO {name}")
        assert client.get("/authors/").status_code == 200
