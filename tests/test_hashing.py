"""What is locked while a password is hashed, which takes a tenth of a second: nothing."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import Any
from urllib.parse import urlsplit

import pytest
from accounts import PASSWORD, add, kept, sign_in
from conftest import Place, ask
from flask import Flask
from house import HousekeepingClient as Client
from house import form_of, stranger
from sqlalchemy import make_url, text

from bookshelf.accounts import passwords, services, sessions
from bookshelf.accounts.models import User
from bookshelf.core.db import db

pytestmark = pytest.mark.parametrize("place", ["sqlite", "postgresql"], indirect=True)

NEW, WRONG = "staple of horses", "a wrong password"


@pytest.fixture
def ann(app: Flask) -> User:
    """Somebody with a password."""
    return add()


def is_writing(place: Place) -> bool:
    """Whether anybody has begun to write, and not ended it."""
    if place.kind == "sqlite":
        file = str(make_url(place.serving).database)
        with closing(sqlite3.connect(file, timeout=0.1, isolation_level=None)) as other:
            try:
                other.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError:
                return True
        return False
    begun = "datname = current_database() AND pid <> pg_backend_pid() AND xact_start IS NOT NULL"
    return ask(place, f"SELECT 1 FROM pg_stat_activity WHERE {begun}") != []


@contextmanager
def looking_while_hashing(place: Place) -> Iterator[list[tuple[bool, int]]]:
    """For each hash within the block, whether somebody was writing, and how many tries counted."""
    found: list[tuple[bool, int]] = []

    def looking(hashing: Callable[..., Any]) -> Callable[..., Any]:
        def instead(*args: Any) -> Any:
            found.append((is_writing(place), sum(kept(place).values())))
            return hashing(*args)

        return instead

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(passwords, "verify", looking(passwords.verify))
        patch.setattr(passwords, "hashed", looking(passwords.hashed))
        yield found


def test_a_try_is_counted_before_the_hash_which_locks_nothing(
    app: Flask, place: Place, ann: User
) -> None:
    with looking_while_hashing(place) as found:
        sign_in(stranger(app), password=WRONG)
        sign_in(stranger(app), "nobody@example.org", WRONG)
        sign_in(stranger(app))
    assert found == [(False, 1), (False, 2), (False, 3)]
    assert sum(kept(place).values()) == 2


def test_signing_in_on_the_spot_locks_nothing(app: Flask, place: Place, ann: User) -> None:
    client = app.test_client()
    assert isinstance(client, Client)
    form = form_of(client.sign_in("editor").get("/authors/new").text) | {"name": "Wole Soyinka"}
    again = form_of(client.sign_in(None).post("/authors/new", data=form).text)
    with looking_while_hashing(place) as found:
        typed = {"sign_in-email": "ann@example.org", "sign_in-password": PASSWORD}
        answer = client.post("/authors/new", data=again | typed)
    assert found == [(False, 1)]
    assert "Wole Soyinka" in answer.text


def test_choosing_a_password_locks_nothing(app: Flask, place: Place) -> None:
    link = sessions.link_for(add("bo@example.org", password=None), "http://localhost")
    client = stranger(app)
    with looking_while_hashing(place) as found:
        answers = [
            client.submit(urlsplit(link).path, password=PASSWORD),
            client.submit("/account/password", current_password=PASSWORD, password=NEW),
        ]
    assert [answer.status_code for answer in answers] == [302, 302]
    assert found == [(False, 0), (False, 1), (False, 0)]


def test_welcoming_somebody_locks_nothing(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    app = place.app()
    monkeypatch.setattr(sessions, "welcomes", lambda key: True)
    with looking_while_hashing(place) as found:
        answer = stranger(app).submit("/welcome/key", email="ann@example.org", password=PASSWORD)
    assert answer.status_code == 302
    assert found == [(False, 0)]


def test_a_hash_within_a_transaction_would_be_found(
    app: Flask, place: Place, ann: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control."""

    def writing(email: str, password: str) -> None:
        with db.engine.begin() as connection:
            connection.execute(text("UPDATE users SET name = 'x'"))
            passwords.verify(password, None)

    monkeypatch.setattr(services, "authenticate", writing)
    with looking_while_hashing(place) as found:
        sign_in(stranger(app), password=WRONG)
    assert found == [(True, 1)]
