"""Sessions: whose end when, and what comes back after signing in again."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import Context
from typing import Any

import pytest
from accounts import PASSWORD, add, is_known, sign_in
from flask import Flask
from house import HousekeepingClient as Client
from house import epoch_of, form_of, stranger, text_of

from bookshelf.accounts import queries, services
from bookshelf.accounts.models import User
from bookshelf.core.db import db
from bookshelf.core.permissions import Role

pytestmark = pytest.mark.parametrize("place", ["sqlite", "postgresql"], indirect=True)


def cookie_in(client: Client) -> str:
    """The session's cookie, as somebody may have copied it."""
    cookie = client.get_cookie("session")
    assert cookie
    return cookie.value


def with_cookie(app: Flask, value: str) -> Client:
    """Another browser with that cookie."""
    client = stranger(app)
    client.set_cookie("session", value)
    return client


# Whose sessions end when


def sign_out(client: Client, user: User) -> None:
    token = form_of(client.get("/account").text)["csrf_token"]
    assert client.post("/logout", data={"csrf_token": token}).location == "/login"


def change_password(client: Client, user: User) -> None:
    client.submit("/account/password", current_password=PASSWORD, password="another password")


def change_role(client: Client, user: User) -> None:
    services.set_role(user, Role.VIEWER)


def disable(client: Client, user: User) -> None:
    services.set_active(user, False)


@pytest.mark.parametrize("act", [sign_out, change_password, change_role, disable])
def test_all_other_sessions_of_the_person_end_at_once(
    app: Flask, client: Client, act: Callable[[Client, User], None]
) -> None:
    user = add()
    add("bo@example.org", Role.ADMINISTRATOR)
    sign_in(client)
    here, elsewhere = with_cookie(app, cookie_in(client)), stranger(app)
    sign_in(elsewhere)
    sign_in(bystander := stranger(app), "bo@example.org")
    assert is_known(here)
    assert is_known(elsewhere)
    act(client, queries.user(user.id) or user)
    db.session.commit()
    assert not is_known(here), "a copy of the cookie is worth nothing"
    assert not is_known(elsewhere)
    assert is_known(bystander)


def test_signing_out_twice_at_once_is_no_fault(app: Flask, client: Client) -> None:
    add()
    for _ in range(4):
        sign_in(client)
        form = {"csrf_token": form_of(client.get("/account").text)["csrf_token"]}
        copies = [with_cookie(app, cookie_in(client)) for _ in range(4)]
        together = threading.Barrier(4)

        def leave(copy: Client, together: Any = together, form: Any = form) -> int:
            together.wait()
            return Context().run(copy.post, "/logout", data=form).status_code

        with ThreadPoolExecutor(4) as pool:
            assert set(pool.map(leave, copies)) <= {302}
        assert not is_known(client)


def test_a_page_of_an_older_session_signs_nobody_out_and_says_so(client: Client) -> None:
    add()
    sign_in(client)
    older = {"csrf_token": form_of(client.get("/account").text)["csrf_token"]}
    client.submit("/login", email="ann@example.org", password=PASSWORD)
    page = client.post("/logout", data=older)
    assert page.status_code == 400
    assert "You are still signed in" in text_of(page.text)
    assert client.post("/logout", data=form_of(page.text)).location == "/login"
    assert not is_known(client)


@pytest.mark.parametrize(("age", "known"), [(13, True), (15, False)])
def test_a_session_ends_some_days_after_it_began_however_busy(
    client: Client, age: int, known: bool
) -> None:
    client.sign_in("viewer")
    with client.session_transaction() as session:
        session["fs_paa"] = time.time() - age * 24 * 3600
    assert is_known(client) == known


def test_a_session_ends_when_it_has_been_idle(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    client.sign_in("viewer")
    assert is_known(client)
    now = time.time
    monkeypatch.setattr("itsdangerous.timed.time.time", lambda: now() + 11 * 3600)
    assert is_known(client)
    monkeypatch.setattr("itsdangerous.timed.time.time", lambda: now() + 22 * 3600)
    assert is_known(client), "using it did not prolong it"
    monkeypatch.setattr("itsdangerous.timed.time.time", lambda: now() + 35 * 3600)
    assert not is_known(client)


def test_a_session_that_says_an_unknown_epoch_is_a_strangers(client: Client) -> None:
    client.sign_in("viewer")
    with client.session_transaction() as session:
        session["_user_id"] = epoch_of("viewer") + "!"
    assert not is_known(client)


def test_a_new_session_begins_with_each_sign_in(app: Flask, client: Client) -> None:
    add()
    client.sign_in(None)
    client.get("/login")
    with client.session_transaction() as session:
        session["planted"] = "by somebody else"
        token = session["csrf_token"]
    client.submit("/login", email="ann@example.org", password=PASSWORD)
    client.get("/account")
    with client.session_transaction() as session:
        assert "planted" not in session
        assert session["csrf_token"] != token


def test_a_disabled_person_gets_in_no_more_and_is_told_nothing(client: Client) -> None:
    user = add()
    services.set_active(user, False)
    db.session.commit()
    client.sign_in(None)
    page = client.submit("/login", email="ann@example.org", password=PASSWORD)
    assert page.status_code == 422
    assert "The e-mail address or the password is wrong." in text_of(page.text)


# Signing in again where one was


def test_a_form_comes_back_filled_after_signing_in_again(app: Flask, client: Client) -> None:
    add()
    sign_in(client)
    typed = form_of(client.get("/authors/new").text) | {"name": "Wole Soyinka", "bio": "a\nb"}
    client.sign_in(None)
    asked = client.post("/authors/new", data=typed)
    assert asked.status_code == 401
    credentials = {"sign_in-email": "ann@example.org", "sign_in-password": PASSWORD}
    back = client.post("/authors/new", data=form_of(asked.text) | credentials)
    assert back.status_code == 400
    assert form_of(back.text)["name"] == "Wole Soyinka"
    assert form_of(back.text)["bio"] == "a\nb"
    assert PASSWORD not in back.text
    assert client.post("/authors/new", data=form_of(back.text)).status_code == 302


def test_a_password_is_never_carried_along(client: Client) -> None:
    client.sign_in("editor")
    form = form_of(client.get("/account/password").text)
    client.sign_in(None)
    page = client.post("/account/password", data=form | {"password": "a new secret"})
    assert page.status_code == 401
    assert "a new secret" not in page.text


def test_somebody_who_may_not_write_gets_no_form_back(app: Flask, client: Client) -> None:
    add(role=Role.VIEWER)
    client.sign_in(None)
    asked = client.post("/authors/new", data={"name": "Eve"})
    credentials = {"sign_in-email": "ann@example.org", "sign_in-password": PASSWORD}
    assert client.post("/authors/new", data=form_of(asked.text) | credentials).status_code == 403
