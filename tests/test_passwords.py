"""Passwords: what they may be, how they are kept and compared, and who changes them."""

import re
import time
import unicodedata

import pytest
from accounts import PASSWORD, add, is_known, sign_in
from conftest import Place
from flask import Flask
from house import HousekeepingClient as Client
from house import error_at, form_of

from bookshelf.accounts import passwords, services

pytestmark = pytest.mark.parametrize("place", ["sqlite", "postgresql"], indirect=True)


@pytest.mark.parametrize(
    "password", [" " * 8, "ÄÖÜäöüßẞ", "📚" * 8, "\\'\";--%00 ", "p" * 128, "パスワードパスワード"]
)
def test_a_password_may_hold_any_character(client: Client, password: str) -> None:
    add(password=password)
    assert sign_in(client, password=password) == 302
    assert sign_in(client, password=password + "x") == 422


def test_a_letter_is_the_same_however_a_keyboard_composes_it(client: Client) -> None:
    add(password="é" * 8)
    assert sign_in(client, password=unicodedata.normalize("NFD", "é" * 8)) == 302


def test_a_hash_is_argon2id_of_owasps_strength_and_depends_on_no_key(
    app: Flask, place: Place
) -> None:
    stored = str(add().password)
    found = re.match(r"\$argon2id\$v=19\$m=(\d+),t=(\d+),p=1\$", stored)
    assert found
    assert int(found[1]) >= 19 * 1024
    assert int(found[2]) >= 2
    with place.app(SECRET_KEY="another").app_context():
        assert services.authenticate(email="ann@example.org", password=PASSWORD)


def test_a_password_is_changed_by_whom_knows_it(client: Client) -> None:
    add()
    sign_in(client)
    url = "/account/password"
    wrong = client.submit(url, current_password="not it", password="another password")
    assert "This is not your password." in error_at(wrong.text, "current_password")
    poor = client.submit(url, current_password=PASSWORD, password="password")
    assert "commonest" in error_at(poor.text, "password")
    assert (
        client.submit(url, current_password=PASSWORD, password="another password").status_code
        == 302
    )
    assert is_known(client)
    assert sign_in(client) == 422
    assert sign_in(client, password="another password") == 302


def test_tries_at_the_password_until_now_are_counted_too(client: Client) -> None:
    add()
    sign_in(client)
    url = "/account/password"
    form = form_of(client.get(url).text) | {
        "current_password": "not it",
        "password": "another password",
    }
    statuses = [client.post(url, data=form).status_code for _ in range(11)]
    assert statuses == [422] * 10 + [429]


def test_a_password_that_would_take_long_to_normalise_takes_no_time(client: Client) -> None:
    client.sign_in(None)
    marks = "a" + "\u0315" * 60_000 + "\u0300" * 60_000
    form = form_of(client.get("/login").text) | {"email": "ann@example.org", "password": marks}
    began = time.monotonic()
    assert client.post("/login", data=form).status_code == 422
    assert time.monotonic() - began < 2


@pytest.mark.parametrize(
    ("stored", "typed"),
    [("x@xn--exmple-cua.org", "X@exämple.org"), ("é@example.org", "e\u0301@example.org")],
)
def test_an_address_is_known_however_it_is_written(client: Client, stored: str, typed: str) -> None:
    add(stored)
    assert sign_in(client, typed) == 302
    assert sign_in(client, stored) == 302


def test_a_hash_of_nobody_is_made_once(app: Flask) -> None:
    assert passwords.nobodys() is passwords.nobodys()
