"""Tries to sign in: how many are verified, what is kept of them, and what each costs."""

import http.client
import re
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime
from urllib.parse import urlencode, urlsplit

import pytest
from accounts import kept
from argon2 import PasswordHasher
from conftest import Place, ask
from flask import Flask
from flask_security import verify_and_update_password
from house import error_at, form_of, stranger
from serving import served
from werkzeug.test import TestResponse

from bookshelf.accounts import passwords, services, tries
from bookshelf.accounts.models import User
from bookshelf.core.db import db
from bookshelf.core.permissions import Role

pytestmark = pytest.mark.parametrize("place", ["sqlite", "postgresql"], indirect=True)

ANN, BO = "ann@example.org", "bo@example.org"
PASSWORD, NEW, WRONG = "correct horse battery", "staple of horses", "a wrong password"
VERIFIED, REFUSED, SIGNED_IN = 422, 429, 302
BEGINNING = 1_800_000_000.25  # seconds since 1970
CROWD = 200


class Clock:
    """A clock that moves when it is told to, in place of the modules and functions that tell."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def time(self) -> float:
        """Seconds since 1970."""
        return BEGINNING + self.seconds

    def now(self) -> datetime:
        """The same moment."""
        return datetime.fromtimestamp(self.time(), UTC)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The clock by which tries are counted."""
    clock = Clock()
    monkeypatch.setattr(tries, "time", clock)
    monkeypatch.setattr(tries, "now", clock.now)
    return clock


@pytest.fixture
def ann(app: Flask) -> User:
    """Somebody with a password."""
    return add(ANN)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Passwords that are compared rather than hashed, where only the count matters."""
    comparing = lambda typed, stored: (bool(stored) and typed == PASSWORD, None)  # noqa: E731
    monkeypatch.setattr(passwords, "verify", comparing)


def add(email: str, password: str | None = PASSWORD, active: bool = True) -> User:
    """Add somebody."""
    user = services.create_user(email=email, role=Role.EDITOR, password=password)
    user.active = active
    db.session.commit()
    return user


def sign_in(app: Flask, email: str, password: str) -> TestResponse:
    """Try to sign in, in a browser that nobody has used yet."""
    client = stranger(app)
    typed = form_of(client.get("/login").text) | {"email": email, "password": password}
    return client.post("/login", data=typed)


def fail(app: Flask, email: str, times: int) -> list[int]:
    """Fail to sign in so many times; the statuses."""
    return [sign_in(app, email, WRONG).status_code for _ in range(times)]


# How many


def test_ten_failures_are_verified_and_no_more(app: Flask, ann: User) -> None:
    assert fail(app, ANN, 12) == [VERIFIED] * 10 + [REFUSED] * 2
    assert sign_in(app, ANN, PASSWORD).status_code == REFUSED


@pytest.mark.usefixtures("quick", "ann")
def test_the_answer_says_how_long_to_wait_and_that_is_right(app: Flask, clock: Clock) -> None:
    fail(app, ANN, 10)
    for passed, expected in ((0, 300), (0.5, 300), (100.4, 200), (299, 1), (299.9, 1)):
        clock.seconds = passed
        answer = sign_in(app, ANN, WRONG)
        assert answer.status_code == REFUSED
        assert answer.headers["Retry-After"] == str(expected)
        minutes = -(-expected // 60)
        said = f"Too many tries. Wait {minutes} min, then try again."
        assert error_at(answer.text, "password") == said
    clock.seconds = 299.9 + 1
    assert sign_in(app, ANN, PASSWORD).status_code == SIGNED_IN


@pytest.mark.usefixtures("quick", "ann")
def test_a_success_does_not_count(app: Flask) -> None:
    fail(app, ANN, 9)
    for _ in range(3):
        assert sign_in(app, ANN, PASSWORD).status_code == SIGNED_IN
    assert fail(app, ANN, 2) == [VERIFIED, REFUSED]


@pytest.mark.usefixtures("quick", "ann")
def test_another_account_is_not_affected(app: Flask) -> None:
    add(BO)
    assert fail(app, ANN, 11)[-1] == REFUSED
    assert fail(app, BO, 1) == [VERIFIED]
    assert sign_in(app, BO, PASSWORD).status_code == SIGNED_IN


@pytest.mark.usefixtures("quick", "ann")
def test_an_address_is_one_account_in_any_case_and_between_any_blanks(app: Flask) -> None:
    written = [ANN, ANN.upper(), "Ann@Example.org", f"  {ANN} "]
    statuses = [fail(app, written[number % 4], 1)[0] for number in range(11)]
    assert statuses == [VERIFIED] * 10 + [REFUSED]


@pytest.mark.usefixtures("quick", "ann")
def test_the_window_slides(app: Flask, clock: Clock) -> None:
    for clock.seconds in range(0, 100, 10):
        assert fail(app, ANN, 1) == [VERIFIED]
    for clock.seconds in (300, 310, 320):
        assert fail(app, ANN, 2) == [VERIFIED, REFUSED]
    assert sign_in(app, ANN, WRONG).headers["Retry-After"] == "10"
    clock.seconds = 620
    assert fail(app, ANN, 11) == [VERIFIED] * 10 + [REFUSED]


@pytest.mark.usefixtures("quick", "ann")
def test_a_password_that_is_changed_is_counted_alike(app: Flask) -> None:
    client = stranger(app)
    form = form_of(client.get("/login").text)
    client.post("/login", data=form | {"email": ANN, "password": PASSWORD})
    typed = {"current_password": WRONG, "password": NEW}
    statuses = [client.submit("/account/password", **typed).status_code for _ in range(11)]
    assert statuses == [VERIFIED] * 10 + [REFUSED]
    assert fail(app, ANN, 1) == [REFUSED]


# What is kept


@pytest.mark.usefixtures("quick", "ann")
def test_what_is_long_ago_is_forgotten_when_somebody_signs_in(
    app: Flask, place: Place, clock: Clock
) -> None:
    fail(app, "nobody@example.org", 3)
    clock.seconds = 200
    fail(app, BO, 1)
    sign_in(app, ANN, PASSWORD)
    assert kept(place) == {tries.digest("nobody@example.org"): 3, tries.digest(BO): 1}
    clock.seconds = 301
    sign_in(app, ANN, PASSWORD)
    assert kept(place) == {tries.digest(BO): 1}


@pytest.mark.usefixtures("quick", "ann")
def test_the_table_tells_nobody_what_was_typed(app: Flask, place: Place) -> None:
    fail(app, ANN, 1)
    fail(app, PASSWORD, 1)
    stored = ask(place, "SELECT * FROM sign_in_tries")
    assert len(stored) == 2
    assert all(re.fullmatch("[0-9a-f]{64}", row[1]) for row in stored)
    assert not [word for word in (ANN, "ann", "horse") if word in str(stored)]


# What it costs


@pytest.fixture
def verifications(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The hashes that passwords are verified against."""
    against: list[str] = []

    def noting(password: str, user: User) -> bool:
        against.append(str(user.password))
        return bool(verify_and_update_password(password, user))

    monkeypatch.setattr(passwords, "verify_and_update_password", noting)
    return against


def test_nobody_learns_who_is_known_here(app: Flask, ann: User, verifications: list[str]) -> None:
    add("invited@example.org", None)
    add("disabled@example.org", active=False)
    known = masked(sign_in(app, ANN, WRONG), ANN)
    for email in ("nobody@example.org", "invited@example.org", "disabled@example.org"):
        for password in (WRONG, PASSWORD, "x" * 129):
            verifications.clear()
            assert masked(sign_in(app, email, password), email) == known, email
            [against] = verifications
            assert against.startswith("$argon2id$v=19$m=19456,t=2,p=1$")


def masked(answer: TestResponse, email: str) -> tuple[int, bytes, list[str]]:
    """An answer without what is different each time."""
    page = re.sub(rb'(name="csrf_token"[^>]*value=)"[^"]*"', rb"\1", answer.data)
    return answer.status_code, page.replace(email.encode(), b""), sorted(answer.headers.keys())


def test_an_answer_that_tells_would_be_found(
    app: Flask, ann: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control."""
    known = masked(sign_in(app, ANN, WRONG), ANN)
    monkeypatch.setattr("bookshelf.accounts.forms.WRONG", "Nobody has this address.")
    assert masked(sign_in(app, BO, WRONG), BO) != known


# A hash that is weaker than today's

WEAKER = PasswordHasher(memory_cost=1024, time_cost=1, parallelism=1)


def test_a_weaker_hash_is_replaced_at_sign_in_and_no_session_ends(
    app: Flask, place: Place, ann: User
) -> None:
    client = stranger(app)
    client.post("/login", data=form_of(client.get("/login").text) | credentials(PASSWORD))
    ask(place, "UPDATE users SET password = :weak", weak=(weak := WEAKER.hash(PASSWORD)))
    sign_in(app, ANN, WRONG)
    assert ask(place, "SELECT password FROM users") == [(weak,)]
    assert sign_in(app, ANN, PASSWORD).status_code == SIGNED_IN
    [(stored,)] = ask(place, "SELECT password FROM users")
    assert stored.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert client.get("/").status_code == 200
    assert sign_in(app, ANN, PASSWORD).status_code == SIGNED_IN
    assert ask(place, "SELECT password FROM users") == [(stored,)]


def credentials(password: str) -> dict[str, str]:
    """What Ann types."""
    return {"email": ANN, "password": password}


# How many from one address


def test_an_office_may_try_three_hundred_times(
    place: Place, quick: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = place.app(PROXY_HOPS=1)
    monkeypatch.setattr(tries, "take", lambda email: (0.0, 0))
    office, home = {"X-Forwarded-For": "203.0.113.7"}, {"X-Forwarded-For": "203.0.113.8"}
    client = stranger(app)
    form = form_of(client.get("/login").text) | credentials(WRONG)
    statuses = Counter(
        client.post("/login", data=form, headers=office).status_code for _ in range(300)
    )
    assert statuses == {VERIFIED: 300}
    answer = client.post("/login", data=form, headers=office)
    assert (answer.status_code, answer.headers["Retry-After"]) == (REFUSED, "300")
    assert "Too many tries. Wait 5 min, then try again." in answer.text
    assert form_of(answer.text)["email"] == ANN
    assert client.post("/login", data=form, headers=home).status_code == VERIFIED
    forged = {"X-Forwarded-For": "203.0.113.9, 203.0.113.7"}
    assert client.post("/login", data=form, headers=forged).status_code == REFUSED


def test_a_store_that_is_away_keeps_nobody_out(place: Place, ann: User) -> None:
    app = place.app(RATELIMIT_STORAGE_URI="redis://127.0.0.1:1/0")
    assert sign_in(app, ANN, PASSWORD).status_code == 302


# Many at once


@pytest.mark.slow
def test_two_hundred_tries_at_once_are_ten(place: Place, ann: User) -> None:
    with served(place, WEB_CONCURRENCY="4") as address, ThreadPoolExecutor(CROWD) as crowd:
        cookie, form = begin(address)
        data = urlencode(form | credentials(WRONG))
        statuses = Counter(crowd.map(lambda _: post(address, cookie, data), range(CROWD)))
    assert statuses == {VERIFIED: tries.MOST, REFUSED: CROWD - tries.MOST}


@pytest.mark.slow
def test_a_count_that_is_not_exact_would_be_found(place: Place, ann: User) -> None:
    """The control: an account for each try, which is what no count at all looks like."""
    with served(place, WEB_CONCURRENCY="4") as address, ThreadPoolExecutor(20) as crowd:
        cookie, form = begin(address)
        sent = [urlencode(form | {"email": f"{n}@x.org", "password": WRONG}) for n in range(20)]
        statuses = Counter(crowd.map(lambda data: post(address, cookie, data), sent))
    assert statuses == {VERIFIED: 20}


def begin(address: str) -> tuple[str, dict[str, str]]:
    """The cookie and the form of somebody who is about to sign in."""
    with closing(http.client.HTTPConnection(urlsplit(address).netloc, timeout=60)) as connection:
        connection.request("GET", "/login")
        response = connection.getresponse()
        cookie = str(response.headers["Set-Cookie"]).partition(";")[0]
        return cookie, form_of(response.read().decode())


def post(address: str, cookie: str, data: str) -> int:
    """Try to sign in over HTTP; the status."""
    headers = {"Cookie": cookie, "Content-Type": "application/x-www-form-urlencoded"}
    with closing(http.client.HTTPConnection(urlsplit(address).netloc, timeout=60)) as connection:
        connection.request("POST", "/login", data, headers)
        return connection.getresponse().status
