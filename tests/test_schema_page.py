"""The page of the schema, and the line that tells administrators that revisions are pending."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from conftest import HEAD, Place, after_head, ask, dispose, migrating, plant
from flask import Flask, current_app
from house import HousekeepingClient as Client
from house import add_person, link_to, stranger, text_of
from noting import noting

from bookshelf.schema import notice

ADDS = 'op.add_column("books", sa.Column("pages", sa.Integer()))'
DROPS = 'op.drop_column("authors", "bio")'
LINE = "1 revision is pending: see what would change ."


@contextmanager
def visiting(place: Place, folder: Path | None = None) -> Iterator[Client]:
    """An administrator at the pages of a release whose revisions are in a folder."""
    with migrating(place, folder):
        app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]
        add_person("administrator")
        client = Client(app, app.response_class)
        client.role = "administrator"
    yield client
    dispose(app)


@pytest.fixture
def migrated(empty_place: Place) -> Place:
    """A database with every revision."""
    with migrating(empty_place) as config:
        command.upgrade(config, "head")
    return empty_place


def test_only_administrators_see_it(app: Flask) -> None:
    client = Client(app, app.response_class)
    for role, status in (("viewer", 403), ("editor", 403), ("administrator", 200)):
        answer = client.sign_in(role).get("/schema")
        assert answer.status_code == status
        known = link_to(client.get("/").text, "Schema")
        assert known == ("/schema" if role == "administrator" else None)
    assert stranger(app).get("/schema").location.startswith("/login")
    assert client.post("/schema").status_code == 405


def test_it_tells_where_the_database_stands_and_how_it_came_there(app: Flask) -> None:
    page = text_of(Client(app, app.response_class).sign_in("administrator").get("/schema").text)
    assert f"The database is at {HEAD}. Every revision has run; nothing is pending." in page
    assert "Models and database They agree." in page
    said = "0002 Add country to author applied, written 3 Nov 2026 adds authors.country 0001"
    assert said in page
    assert page.index(f"{HEAD} ", page.index("Revisions")) < page.index("0002 Add")


def test_it_tells_what_is_pending_while_everybody_else_waits(
    migrated: Place, checkout: Path
) -> None:
    plant(checkout, after_head(), HEAD, ADDS, 'op.drop_column("books", "pages")')
    plant(checkout, after_head(2), after_head(), DROPS, "raise NotImplementedError")
    ask(migrated, "INSERT INTO authors (name, sort_name, sort_key, bio) VALUES ('A','A','a','b')")
    with visiting(migrated, checkout) as client:
        html = client.get("/schema").text
        behind = client.get("/authors/")
        assert behind.status_code == 503
        assert "Administrators see what is pending at /schema." in behind.text
        assert client.sign_in("editor").get("/schema").status_code == 403
        assert client.get("/authors/").status_code == 503
    page, first, second = text_of(html), after_head(), after_head(2)
    lock = {
        "sqlite": "the one write lock, which blocks writing in every table",
        "postgresql": "ACCESS EXCLUSIVE, which blocks reading and writing",
    }[migrated.kind]
    assert f"The database is at {HEAD}. 2 revisions are pending." in page
    assert "flask db upgrade" in page
    assert f"{first} adds books.pages Table books 0 rows; takes {lock} Data Destroys none" in page
    assert "Way back Can be reversed Its SQL ALTER TABLE books ADD COLUMN pages INTEGER;" in page
    assert f"{second} drops authors.bio Table authors 1 row; takes {lock}" in page
    assert "Data Destroys authors.bio: 1 value Way back Cannot be reversed" in page
    assert "compared once both stand at the same revision" in page
    assert f"Revisions {second} pending drops authors.bio {first} pending adds books.pages" in page
    assert ask(migrated, "SELECT bio FROM authors") == [("b",)]


def test_a_revision_that_cannot_be_looked_at_is_named(
    create_place: Callable[[str], Place], checkout: Path
) -> None:
    place = create_place("sqlite")
    with migrating(place) as config:
        command.upgrade(config, "head")
    plant(checkout, after_head(), HEAD, 'op.execute("SELECT gone")')
    with visiting(place, checkout) as client:
        page = text_of(client.get("/schema").text)
    assert "1 revision is pending." in page
    assert f"What {after_head()} would do cannot be found out" in page


def test_it_tells_of_drift(migrated: Place) -> None:
    ask(migrated, "ALTER TABLE books ADD COLUMN pages INTEGER")
    ask(migrated, "DROP INDEX ix_users_sort_key")
    with visiting(migrated) as client:
        page = text_of(client.get("/schema").text)
    assert "A revision is missing that" in page
    assert "drops books.pages" in page
    assert "adds the index ix_users_sort_key on users (sort_key, id)" in page


def test_a_newer_database_is_as_it_should_be(migrated: Place) -> None:
    ask(migrated, "UPDATE alembic_version SET version_num = '0999'")
    with visiting(migrated) as client:
        page = text_of(client.get("/schema").text)
        assert "pending" not in text_of(client.get("/").text)
    assert "The database is at 0999. The database is newer than this release" in page
    assert f"knows nothing after {HEAD}" in page


@pytest.mark.parametrize("revision", ["base", "0002"])
def test_where_nobody_can_be_known_it_is_the_page_of_everybody(
    revision: str, empty_place: Place
) -> None:
    if revision != "base":
        with migrating(empty_place) as config:
            command.upgrade(config, revision)
    with visiting(empty_place) as client:
        client.has_entered = True  # nobody can be added
        with client.session_transaction() as session:
            session.update({"_user_id": "x", "_fresh": True, "fs_paa": 9e12})
        answer = client.get("/schema")
    assert answer.status_code == 503
    assert "run `flask db upgrade`" in answer.text


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """A clock that stands, and whose only item is the moment."""
    moment = [1000.0]
    monkeypatch.setattr(notice, "monotonic", lambda: moment[0])
    return moment


def asked_of_versions(visit: Callable[[], Any]) -> int:
    """How many statements a visit sends that ask for the revision."""
    with noting() as sent:
        visit()
    return sum("alembic_version" in statement for statement, _ in sent)


def test_a_line_on_every_page_tells_administrators_once_a_minute(
    migrated: Place, checkout: Path, clock: list[float]
) -> None:
    """A new release has been put below a worker that runs."""
    with visiting(migrated, checkout) as client:
        assert "pending" not in text_of(client.get("/authors/").text)
        plant(checkout, after_head(), HEAD, ADDS)
        clock[0] += 59
        with client.application.app_context():
            assert asked_of_versions(lambda: client.get("/authors/")) == 0
        assert "pending" not in text_of(client.get("/authors/").text)
        clock[0] += 2
        for page in ("/authors/", "/books/new", "/people/", "/nowhere"):
            html = client.get(page).text
            assert LINE in text_of(html)
            assert link_to(html, "see what would change") == "/schema"
        assert LINE not in text_of(client.get("/schema").text)
        client.sign_in("editor")
        assert "pending" not in text_of(client.get("/authors/").text)
        clock[0] += 61
        with client.application.app_context():
            assert asked_of_versions(lambda: client.get("/authors/")) == 0


def test_the_line_goes_when_the_page_was_seen_without_it(
    migrated: Place, checkout: Path, clock: list[float]
) -> None:
    with visiting(migrated, checkout) as client:
        client.get("/")
        plant(checkout, after_head(), HEAD, ADDS)
        assert "1 revision is pending" in text_of(client.get("/schema").text)
        assert LINE in text_of(client.get("/").text)
        with migrating(migrated, checkout) as config:
            command.upgrade(config, "head")
        page = text_of(client.get("/schema").text)
        assert f"at {after_head()}. The database is newer than this release" in page
        assert f"nothing after {HEAD}" in page
        assert LINE not in text_of(client.get("/").text)


@pytest.mark.parametrize("code", ["def (", "raise OSError('half written')", "x = 1"])
def test_a_file_that_somebody_is_writing_breaks_no_page(
    code: str, create_place: Callable[[str], Place], checkout: Path
) -> None:
    place = create_place("sqlite")
    with migrating(place) as config:
        command.upgrade(config, "head")
    with visiting(place, checkout) as client:
        assert client.get("/login").status_code in (200, 302)
        client.application.extensions["bookshelf.schema.settled"] = True
        (checkout / "migrations/versions/0009_half.py").write_text(code)
        assert client.get("/authors/").status_code == 200
        answer = client.get("/schema")
    assert answer.status_code == 503
    assert "revision" in text_of(answer.text)
