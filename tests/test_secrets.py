"""Secrets: what is driven through every path, and then stands in no log, page or address."""

import hashlib
import json
import logging
import re
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import unquote_plus

import pytest
from conftest import Place
from flask import Flask
from house import HousekeepingClient as Client
from house import form_of, stranger
from sqlalchemy.exc import OperationalError
from werkzeug.test import TestResponse

from bookshelf.accounts import services, tries
from bookshelf.accounts.models import User
from bookshelf.core.db import db
from bookshelf.core.permissions import Role
from bookshelf.web.log import log

pytestmark = pytest.mark.parametrize("place", ["sqlite"], indirect=True)

MakeApp = Callable[..., Flask]
Read = Callable[[], list[dict[str, Any]]]
FORMATS = ["development", "production"]
NUMBER = "[0-9a-f]{32}"

PASSWORD, NEXT_PASSWORD = "cAnaRy the password", "cAnaRy another one"
WRONG, COMMON, SHORT = "cAnaRy a wrong one", "password1", "qUiNce"
WELCOME_KEY = "cAnaRy-welcome-key-" + "w" * 20
SECRET_KEY = "cAnaRy-secret-key-" + "s" * 40
DATABASE_PASSWORD = "cAnaRy-database"
ADMIN, ANN, BO = "admin@example.org", "ann@example.org", "bo@example.org"
SETTINGS: dict[str, object] = {
    "TESTING": False,
    "SECRET_KEY": SECRET_KEY,
    "WELCOME_KEY": hashlib.sha256(WELCOME_KEY.encode()).hexdigest(),
}


@pytest.fixture(autouse=True)
def _forget_migrating(
    place: Place, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As when serving: a migration in this process made Alembic talk, in a way of its own."""
    caplog.set_level(logging.WARNING, "alembic.runtime.migration")
    kept = [each for each in logging.root.handlers if type(each) is not logging.StreamHandler]
    monkeypatch.setattr(logging.root, "handlers", kept)


@pytest.fixture
def read(capsys: pytest.CaptureFixture[str]) -> Read:
    """The events of production since it was read last."""
    return lambda: [json.loads(line) for line in capsys.readouterr().err.splitlines()]


class Visitor:
    """Somebody with a browser, whose cookies and tokens are noted among the secrets."""

    def __init__(self, app: Flask) -> None:
        self.client: Client = stranger(app)
        self.secrets = {PASSWORD, NEXT_PASSWORD, WRONG, WELCOME_KEY, SECRET_KEY, DATABASE_PASSWORD}
        self.tokens: set[str] = set()  # of forms, which stand on every page with a form
        self.answers: list[TestResponse] = []

    def go(self, path: str, data: dict[str, str] | None = None, **more: Any) -> TestResponse:
        """Open a page, or send a form; what has come back is kept."""
        answer = self.client.open(path, method="POST" if data else "GET", data=data, **more)
        if cookie := self.client.get_cookie("session"):
            self.secrets.add(cookie.value)
        if answer.mimetype == "text/html":
            self.tokens.add(form_of(answer.text).get("csrf_token", SECRET_KEY))
        self.answers.append(answer)
        return answer

    def fill(self, path: str, page: str | None = None, **typed: str) -> TestResponse:
        """Fill in the form of a page and send it; prefixed fields go with the name as it is."""
        return self.go(path, form_of(self.go(page or path).text) | typed)

    def link(self, answer: TestResponse) -> str:
        """The path of the link on a page, whose token is a secret; that page may show it."""
        [token] = re.findall(r"/invitation/([^\"]+)", answer.text)
        self.secrets.add(token)
        self.answers.remove(answer)
        return f"/invitation/{token}"

    def findings(self, written: str) -> list[str]:
        """Where any of the secrets stands: in what was written, on a page, in an address."""
        secrets = self.secrets | self.tokens | {SHORT}
        found = [f"{secret} in a line" for secret in secrets if secret in written]
        for answer in self.answers:
            place = f"{answer.request.path} ({answer.status_code})"
            location = unquote_plus(unquote_plus(answer.headers.get("Location", "")))
            found += [f"{secret} in {place} led to" for secret in secrets if secret in location]
            if answer.status_code >= 400:
                found += [f"{each} on {place}" for each in self.secrets if each in answer.text]
        return found


@contextmanager
def failing(error: Exception) -> Iterator[None]:
    """Plant a fault, in the midst of passwords."""

    def fail(*args: object, **typed: object) -> None:
        password = PASSWORD
        raise error from ValueError(f"a fault\nof {password}")

    with pytest.MonkeyPatch.context() as patch:
        for name in ("authenticate", "set_password", "create_user", "create_first_administrator"):
            patch.setattr(services, name, fail)
        yield


FAULTS = {
    500: RuntimeError(f"a fault\nof {PASSWORD}"),
    503: OperationalError(f"SELECT '{PASSWORD}'", {"password": PASSWORD}, Exception(PASSWORD)),
}


def drive(app: Flask) -> Visitor:
    """Somebody does all that has to do with secrets, well and badly."""
    visitor = Visitor(app)
    welcome(visitor)
    sign_in(visitor)
    invite(visitor)
    forge(visitor)
    visitor.fill("/logout", "/account")
    sign_in_badly(visitor)
    return visitor


def welcome(visitor: Visitor) -> None:
    """The first administrator comes in."""
    path, typed = f"/welcome/{WELCOME_KEY}", {"email": ADMIN, "password": PASSWORD}
    assert visitor.go(f"{path}x").status_code == 404
    assert visitor.fill(path, email=ADMIN, password=COMMON).status_code == 422
    assert visitor.fill(path, email="no address", password=SHORT).status_code == 422
    assert visitor.go(path, typed).status_code == 400
    for status, error in FAULTS.items():
        with failing(error):
            assert visitor.fill(path, **typed).status_code == status
    assert visitor.fill(path, **typed).status_code == 302
    assert visitor.go(path).status_code == 404
    visitor.fill("/logout", "/account")


def sign_in(visitor: Visitor) -> None:
    """Signs in, with another password than the one before, and changes it."""
    typed = {"email": ADMIN, "password": PASSWORD}
    assert visitor.fill("/login", email=ADMIN, password=WRONG).status_code == 422
    assert visitor.go("/login", typed).status_code == 400
    for status, error in FAULTS.items():
        with failing(error):
            assert visitor.fill("/login", **typed).status_code == status
    assert visitor.fill("/login?next=/account", "/login?next=/account", **typed).status_code == 302
    change = {"current_password": PASSWORD, "password": NEXT_PASSWORD}
    path = "/account/password"
    assert visitor.fill(path, current_password=WRONG, password=NEXT_PASSWORD).status_code == 422
    assert visitor.fill(path, current_password=PASSWORD, password=COMMON).status_code == 422
    for status, error in FAULTS.items():
        with failing(error):
            assert visitor.fill(path, **change).status_code == status
    again = Visitor(visitor.client.application)
    assert again.go(path, change).status_code == 401
    visitor.answers += again.answers
    assert visitor.fill(path, **change).status_code == 302


def invite(visitor: Visitor) -> None:
    """Invites somebody, who comes."""
    link = visitor.link(visitor.fill("/people/new", email=ANN, role="viewer"))
    person = "/people/2"
    for act in ("disable", "enable"):
        assert visitor.fill(f"{person}/{act}", person).status_code == 302
    visitor.fill(f"{person}/role", person, role="viewer")
    older, link = link, visitor.link(visitor.fill(f"{person}/link", person))
    assert visitor.go(older).status_code == 404
    guest = Visitor(visitor.client.application)
    typed = {"name": "Ann", "password": PASSWORD}
    assert guest.go(link, typed).status_code == 400
    assert guest.fill(link, password=SHORT).status_code == 422
    for status, error in FAULTS.items():
        with failing(error):
            assert guest.fill(link, **typed).status_code == status
    assert guest.go(link, headers={"Host": "evil.example"}).status_code == 400
    assert guest.fill(link, **typed).status_code == 302
    for path in (link, f"{link}/x", f"/nothing{link}", f"{link}?q={PASSWORD}"):
        assert guest.go(path).status_code == 404
    assert guest.go("/people/").status_code == 403
    visitor.answers += guest.answers
    visitor.secrets |= guest.secrets
    visitor.tokens |= guest.tokens


def forge(visitor: Visitor) -> None:
    """Sends what no page of ours has drawn."""
    token = form_of(visitor.go("/account").text)["csrf_token"]
    sent = {"name": "Eve", "csrf_token": token}
    elsewhere = {"Sec-Fetch-Site": "cross-site", "Referer": f"http://x/{PASSWORD}"}
    assert visitor.go("/account", sent, headers=elsewhere).status_code == 403
    assert visitor.go("/account", sent | {"password": PASSWORD}).status_code == 400
    assert visitor.go("/account", sent | {"csrf_token": token[:-1]}).status_code == 400
    assert visitor.go("/account", sent | {"name": PASSWORD * 99_999}).status_code == 413
    assert visitor.go("/livez", sent).status_code == 405
    for status, error in FAULTS.items():
        with failing(error):
            assert visitor.fill("/people/new", email=BO, role="viewer").status_code == status


def sign_in_badly(visitor: Visitor) -> None:
    """Tries too often, a password as an address too."""
    for _ in range(10):
        visitor.fill("/login", email=BO, password=WRONG)
    assert visitor.fill("/login", email=BO, password=WRONG).status_code == 429
    assert visitor.fill("/login", email="x", password=PASSWORD).status_code == 422


@pytest.mark.parametrize("form", FORMATS)
def test_no_secret_is_written_down_whatever_happens(
    make_app: MakeApp, form: str, capsys: pytest.CaptureFixture[str]
) -> None:
    app = make_app(BOOKSHELF_ENV=form, **SETTINGS)
    visitor = drive(app)
    written = capsys.readouterr()
    assert len(written.err.splitlines()) > 40
    assert visitor.findings(written.out + written.err) == []
    assert len(visitor.secrets) > 20
    assert len(visitor.tokens) > 5


def test_a_secret_that_is_written_down_would_be_found(
    make_app: MakeApp, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control: a line with a password, and a page, and an address."""
    visitor = Visitor(make_app(**SETTINGS))
    log.info("signed in", typed=PASSWORD)
    assert visitor.findings(capsys.readouterr().err) == [f"{PASSWORD} in a line"]
    visitor.go(f"/login?next=/{PASSWORD}")
    monkeypatch.setattr("bookshelf.web.errors.WORDS", {404: PASSWORD})
    visitor.go("/authors")
    visitor.go("/nothing")
    visitor.go(f"/books/?q={PASSWORD}")
    assert visitor.findings("") == [
        f"{PASSWORD} on /nothing (404)",
        f"{PASSWORD} in /books/ (302) led to",
    ]


@pytest.mark.parametrize("form", FORMATS)
def test_the_database_s_password_is_written_nowhere(
    place: Place, form: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    url = f"postgresql://ann:{DATABASE_PASSWORD}@127.0.0.1:{port}/shelf"
    app = Place("postgresql", url, url).app(BOOKSHELF_ENV=form, **SETTINGS)
    visitor = Visitor(app)
    for path in ("/", "/login", f"/welcome/{WELCOME_KEY}", "/invitation/token", "/readyz"):
        assert visitor.go(path).status_code == 503
    assert visitor.go("/login", {"email": ANN, "password": PASSWORD}).status_code == 503
    said = "".join(
        run(app, words, PASSWORD)
        for words in ("doctor", "doctor --deploy", f"users create {ANN} --role viewer {FROM_STDIN}")
    )
    assert "ann:***@127.0.0.1" in said
    written = capsys.readouterr()
    assert visitor.findings(said + written.out + written.err) == []


FROM_STDIN = "--password-stdin"


def run(app: Flask, words: str, typed: str) -> str:
    """What a command writes, to both outputs."""
    result = app.test_cli_runner().invoke(args=words.split(), input=f"{typed}\n")
    assert result.exception is None or isinstance(result.exception, SystemExit)
    return str(result.output)


@pytest.mark.parametrize("form", FORMATS)
def test_no_command_writes_a_password(
    make_app: MakeApp, form: str, capsys: pytest.CaptureFixture[str]
) -> None:
    app = make_app(BOOKSHELF_ENV=form, **SETTINGS)
    new = f"users create {ANN} --role viewer {FROM_STDIN}"
    said = [
        run(app, new, COMMON),
        run(app, new, SHORT),
        run(app, new, PASSWORD),
        run(app, new, PASSWORD),
        run(app, "users list", ""),
        run(app, "doctor", ""),
        run(app, "doctor --deploy", ""),
    ]
    assert f"{ANN} may sign in now." in said[2]
    assert "has this address already" in said[3]
    written = capsys.readouterr()
    assert Visitor(app).findings("".join(said) + written.out + written.err) == []


# What is written instead


def events_of(read: Read, *fields: str) -> list[tuple[object, ...]]:
    """What happened, in the order in which it did; every line has a request and an actor."""
    events = read()
    assert all(re.fullmatch(NUMBER, event["request_id"]) for event in events)
    assert all(event["actor"] for event in events)
    return [tuple(event.get(name) for name in ("event", "actor", *fields)) for event in events]


@pytest.fixture
def ann(make_app: MakeApp) -> tuple[Visitor, User]:
    """Somebody with a password, about to sign in to an application as in production."""
    app = make_app(BOOKSHELF_ENV="production", **SETTINGS | {"TESTING": True})
    with app.app_context():
        role = Role.ADMINISTRATOR
        user = services.create_user(email=ANN, role=role, password=PASSWORD)
        db.session.commit()
    return Visitor(app), user


def test_signing_in_and_failing_to_are_written_down(ann: tuple[Visitor, User], read: Read) -> None:
    visitor, user = ann
    with visitor.client.application.app_context():
        account = tries.digest(ANN)
    for _ in range(11):
        visitor.fill("/login", email=ANN.upper(), password=WRONG)
    failed = [("sign-in failed", "anonymous", account)] * 10
    assert events_of(read, "account") == [*failed, ("sign-in throttled", "anonymous", account)]
    with visitor.client.application.app_context(), db.engine.begin() as connection:
        connection.exec_driver_sql("DELETE FROM sign_in_tries")
    visitor.fill("/login", email=ANN, password=PASSWORD)
    assert events_of(read, "view") == [("signed in", str(user.id), "accounts.sign_in")]


def test_what_is_refused_is_written_down(ann: tuple[Visitor, User], read: Read) -> None:
    visitor, user = ann
    visitor.fill("/login", email=ANN, password=PASSWORD)
    events_of(read)
    visitor.go("/account", {"name": "Eve", "csrf_token": "x"})
    assert events_of(read, "level") == [("wrong token", str(user.id), "warning")]
    visitor.go("/account", {"name": "Eve"}, headers={"Sec-Fetch-Site": "cross-site"})
    assert events_of(read, "level") == [("forbidden", "anonymous", "warning")]
    visitor.client.sign_in("viewer")
    visitor.go("/people/")
    [(event, actor, view)] = events_of(read, "view")
    assert (event, view) == ("forbidden", "people.index")
    assert actor not in ("anonymous", str(user.id))


def test_what_is_done_to_people_and_records_is_written_down(
    ann: tuple[Visitor, User], read: Read
) -> None:
    visitor, user = ann
    visitor.fill("/login", email=ANN, password=PASSWORD)
    actor = str(user.id)
    visitor.fill("/people/new", email=BO, role="viewer")
    added = user.id + 1
    person = f"/people/{added}"
    visitor.fill(f"{person}/role", person, role="editor")
    for act in ("disable", "enable", "link"):
        visitor.fill(f"{person}/{act}", person)
    assert events_of(read, "user", "role") == [
        ("signed in", actor, None, None),
        ("role changed", actor, added, "viewer"),
        ("role changed", actor, added, "editor"),
        ("person disabled", actor, added, None),
        ("person enabled", actor, added, None),
        ("link made", actor, added, None),
    ]
    visitor.fill("/authors/new", name="Wole Soyinka")
    visitor.fill("/books/new?author_id=1", "/books/new?author_id=1", title="Aké")
    for path in ("/books/1/delete", "/authors/1/delete"):
        visitor.fill(path)
    assert events_of(read, "id") == [("book deleted", actor, 1), ("author deleted", actor, 1)]
