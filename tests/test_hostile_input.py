"""What nobody types: odd text and bad bytes in every form and every query are never a fault."""

import hashlib
import itertools
import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote, urlsplit

import pytest
from conftest import Place
from flask import Flask, request
from house import form_of, stranger
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from limits import RateLimitItemPerSecond
from werkzeug.test import TestResponse

from bookshelf.accounts import queries, services, sessions, tries
from bookshelf.authors.services import create_author
from bookshelf.books.services import create_book
from bookshelf.core.db import db
from bookshelf.core.permissions import Role
from bookshelf.web.security import public

pytestmark = [
    pytest.mark.slow,
    pytest.mark.parametrize("place", ["sqlite", "postgresql"], indirect=True),
]

KEY = "a welcome key"
HUGE = 10 * 1024 * 1024  # characters
TABLES = ["users", "authors", "books", "sign_in_tries"]
PATIENT = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large]
BRIEF = settings(derandomize=True, max_examples=12, suppress_health_check=PATIENT)
LONG = settings(BRIEF, max_examples=24)

# Percent-encoded, as they travel in a form and in a query.
BAD_BYTES = [
    "%FF%FE",
    "%C3%28",
    "%C0%AF",
    "%E0%80%80",
    "%F0%82%82%AC",
    "%F8%88%80%80%80",
    "%00",
    "a%00b",
    "%ED%A0%80",
    "%ED%B0%80%ED%A0%80",
    "%EF%BF%BE",
    "%F4%90%80%80",
    "%0A%0D%0A",
    "%1B%5B31m",
    "%7F%C2%85%E2%80%A8",
    "%E2%80%AE%EF%BB%BF",
    "%",
    "%G1",
    "%u0041",
    "%25%30%30",
]
ODD = [
    str(2**31),
    str(2**63),
    str(-(2**63) - 1),
    "9" * 400,
    "1e999",
    "NaN",
    "-0",
    "٣",
    "²",
    "0x10",
    "1_000",
    "[" * 900 + "]" * 900,
    '{"a":' * 300,
    "{{7*7}}${7*7}<%= 7 %>",
    "' OR 1=1 --",
    "%' ESCAPE '",
    "\\_%" * 50,
    "../" * 40 + "etc/passwd",
    "ﷺ" * 300,
    "a\u0300" * 400,
    "\U0001f469\u200d\U0001f680",
    "İıſK\u00df\ufb03",
    "eyJrZXkiOltdfQ",
    "WzEsMl0=",
    "new: ",
    "new: \u2800",
    "a@" + "b." * 120 + "c",
    '"\x7f"@[127.0.0.1]',
    "\u202e@example.org",
    "ann@xn--\u00df.example",
    "$argon2id$v=19$m=19456,t=2,p=1$",
]
NASTY = [*BAD_BYTES, *map(quote, ODD)]
KEYS = ["csrf_token", "version", "next", "another", "sign_in-email", "a[b]", "", "%00", "%FF"]
QUERY_KEYS = ["q", "sort", "after", "before", "country", "language", "author", "author_id", "next"]
QUERY_KEYS += ["publisher", "page", "limit", "per_page", "", "%00", "%FF%FE", "a[b][c]"]
VALUES = st.sampled_from(NASTY) | st.text(max_size=60).map(
    lambda typed: quote(typed.encode(errors="surrogatepass"))
)
URL_ENCODED = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data; boundary=x"

# What a form's path takes beside its token; "" stands for nothing to fill in.
FORMS: dict[str, dict[str, str]] = {
    "/account": {"name": "Eve"},
    "/account/password": {"current_password": "a wrong one", "password": "a new password"},
    "/authors/new": {"name": "Eve", "sort_name": "", "country": "GB", "bio": "x"},
    "/authors/1/edit": {"name": "Eve", "country": "", "country_choice": "GB", "version": "1"},
    "/authors/1/delete": {},
    "/books/new": {"title": "Eve", "author": "Ann Lee", "isbn": "", "year": "1974"},
    "/books/1/edit": {
        "title": "Eve",
        "author": "Lee, Ann",
        "author_choice": "1",
        "author_choice_for": "Lee, Ann",
        "author_choice_among": "1",
        "language": "eng",
        "publisher": "x",
        "version": "1",
    },
    "/books/1/delete": {},
    "/people/new": {"email": "eve@example.org", "name": "Eve", "role": "viewer"},
    "/people/2/role": {"role": "viewer"},
    "/people/2/disable": {},
    "/people/2/enable": {},
    "/people/2/link": {},
    "/logout": {},
    "/login": {"email": "ann@example.org", "password": "a wrong one", "next": "/books/"},
    "/invitation/token": {"name": "Bo", "password": "a new password"},
    f"/welcome/{KEY}": {"email": "eve@example.org", "name": "Eve", "password": "a new password"},
    "/books/1/edit?again": {  # signing in on the spot
        "title": "Eve",
        "author": "Ann Lee",
        "version": "1",
        "sign_in-email": "ann@example.org",
        "sign_in-password": "a wrong one",
        "sign_in-csrf_token": "x",
    },
}
STRANGERS = ("/login", "/invitation", "/welcome", "/books/1/edit?again")


@pytest.fixture
def served(place: Place, monkeypatch: pytest.MonkeyPatch) -> Flask:
    """An application as served, over an author, a book, people and an invitation."""
    monkeypatch.setattr(tries, "FROM_ONE_ADDRESS", RateLimitItemPerSecond(1_000_000, 300))
    app = place.app(TESTING=False, WELCOME_KEY=hashlib.sha256(KEY.encode()).hexdigest())
    with app.app_context():
        create_book(title="A book", author=create_author(name="Ann Lee").id)
        for name in ("ann", "bo"):
            services.create_user(email=f"{name}@example.org", role=Role.EDITOR)
        db.session.commit()
        db.session.remove()
    return app


class Attacker:
    """Somebody who sends what no page of ours does; notes each answer that is a fault."""

    def __init__(self, app: Flask, role: str | None) -> None:
        self.app = app
        self.client = stranger(app).sign_in(role)
        self.faults: list[str] = []
        self.statuses: Counter[int] = Counter()

    def send(self, path: str, method: str = "GET", **more: Any) -> TestResponse:
        """Send a request, and look at the answer."""
        answer = self.client.open(path, method=method, **more)
        self.statuses[answer.status_code] += 1
        if not 200 <= answer.status_code < 500 or "Traceback" in answer.text:
            self.faults.append(f"{answer.status_code} {method} {path[:300]} {str(more)[:300]}")
        return answer


class Form(Attacker):
    """A form with a right token, sent each time to the same shelf and in the same session."""

    def __init__(self, app: Flask, path: str) -> None:
        is_strange = path.startswith(STRANGERS)
        super().__init__(app, None if is_strange else "administrator")
        self.path, self.fields = quote(path, safe="/?"), FORMS[path]
        if path.startswith("/invitation"):
            self.path = link_for_bo(app)
        page = self.client.get("/login" if is_strange else "/account").text
        self.token = form_of(page)["csrf_token"]
        self.cookie = self.client.get_cookie("session")
        with app.app_context():
            self.rows = {} if path.startswith("/welcome") else rows()

    @property
    def keys(self) -> list[str]:
        """What can be spoilt."""
        return [*self.fields, "csrf_token", *KEYS]

    def post(self, body: str | bytes, kind: str = URL_ENCODED) -> None:
        """Send a body."""
        with self.app.app_context():
            restore(self.rows)
        assert self.cookie
        self.client.set_cookie("session", self.cookie.value)
        self.send(self.path, "POST", data=body, content_type=kind)

    def spoilt(self, changes: dict[str, str]) -> str:
        """The body with some keys changed or added, keys and values percent-encoded already."""
        kept = {"csrf_token": self.token} | self.fields
        sent = {quote(key): quote(value) for key, value in kept.items()} | changes
        return "&".join(f"{key}={value}" for key, value in sent.items())


def rows() -> dict[str, list[dict[str, Any]]]:
    """All that can be lost."""
    found = {name: db.session.execute(db.select(db.metadata.tables[name])) for name in TABLES}
    return {name: [dict(row) for row in result.mappings()] for name, result in found.items()}


def restore(kept: Mapping[str, list[dict[str, Any]]]) -> None:
    """Have these rows and no others."""
    with db.engine.begin() as connection:
        for name in reversed(TABLES):
            connection.execute(db.delete(db.metadata.tables[name]))
        for name, values in kept.items():
            if values:
                connection.execute(db.insert(db.metadata.tables[name]), values)


def link_for_bo(app: Flask) -> str:
    """The path of an invitation."""
    with app.test_request_context():
        user = queries.user_of("bo@example.org")
        assert user
        path = urlsplit(sessions.link_for(user, "http://localhost")).path
        db.session.remove()
    return path


def bodies(form: Form) -> Iterator[tuple[str | bytes, str]]:
    """What is no form, or too much of one, with its content type."""
    sound, token = form.spoilt({}), form.token
    fields = {"csrf_token": token} | form.fields
    for key in [*form.fields, "csrf_token"]:
        yield f"{sound}&{key}=again", URL_ENCODED
        yield f"{sound}&{key}={HUGE}", URL_ENCODED
    yield sound.encode() + b"&name=\xff\xfe\x00&\xed\xa0\x80=\xc0\xaf", URL_ENCODED
    yield sound + "".join(f"&{number}=x" for number in range(5_000)), URL_ENCODED
    yield sound + "&" * 5_000, URL_ENCODED
    yield "&=&&==&%&" + sound, URL_ENCODED
    yield sound, f"{URL_ENCODED}; charset=utf-7"
    yield sound, f"{URL_ENCODED}; charset=\u00e4"
    yield sound, "text/plain"
    yield sound, ""
    yield sound, "; ; =/"
    yield json.dumps(fields), "application/json"
    yield "[" * 100_000, "application/json"
    yield "\ud800".encode("utf-16", "surrogatepass"), "application/json; charset=utf-16"
    yield "<a>" * 10_000, "application/xml"
    yield from parts(fields)


def parts(fields: dict[str, str]) -> Iterator[tuple[str | bytes, str]]:
    """The same as multipart, in more and more pieces."""
    sound = "".join(part(f'name="{name}"', value) for name, value in fields.items())
    end = "--x--\r\n"
    yield sound + end, MULTIPART
    yield sound, MULTIPART
    yield sound + end, "multipart/form-data"
    yield sound + end, 'multipart/form-data; boundary="' + "y" * 5_000 + '"'
    yield sound + end, "multipart/form-data; boundary=\u00e4"
    yield sound + end, "multipart/mixed; boundary=x"
    yield sound + part('name="name"; filename="a.txt"', "text") + end, MULTIPART
    yield sound + part('name="name"; filename="../\x01"', "\x00") + end, MULTIPART
    yield sound + part("name*=utf-8''%ff%00", "x") + end, MULTIPART
    yield sound + part('filename="x"', "x") + end, MULTIPART
    yield sound + part("", "x") + end, MULTIPART
    yield (
        sound + part('name="name"', "x", "Content-Type: text/plain; charset=nonsense") + end,
        MULTIPART,
    )
    yield sound + part('name="name"', "\xff", "Content-Transfer-Encoding: base64") + end, MULTIPART
    yield sound + "".join(part(f'name="{n}"', "x") for n in range(200)) + end, MULTIPART
    yield (sound + part('name="name"', "\xff\xfe") + end).encode("latin-1"), MULTIPART
    yield sound + "--x\r\n" + "A: b\r\n" * 3_000 + "\r\n" + end, MULTIPART


def part(disposition: str, value: str, header: str = "X: y") -> str:
    """One part of a multipart body."""
    head = f"Content-Disposition: form-data; {disposition}\r\n{header}"
    return f"--x\r\n{head}\r\n\r\n{value}\r\n"


# Forms


def spoil_each(form: Form, stride: int) -> None:
    """Send every nasty value, by turns in each key, or in all of them where the stride is 1."""
    keys = form.keys
    for number, value in enumerate(NASTY):
        for key in keys[number % stride :: stride]:
            form.post(form.spoilt({key: value}))


def spoil_all(form: Form) -> None:
    """Send every nasty value in all fields at once."""
    for value in NASTY:
        form.post(form.spoilt(dict.fromkeys(form.fields, value)))


@pytest.mark.parametrize("path", FORMS)
def test_nothing_in_a_form_is_a_fault(served: Flask, path: str) -> None:
    form = Form(served, path)
    spoil_each(form, stride=len(form.keys))
    for body, kind in bodies(form):
        form.post(body, kind)
    assert form.faults == []
    assert len(form.statuses) > 1, form.statuses


@pytest.mark.parametrize("path", FORMS)
def test_a_field_of_ten_megabytes_is_refused(served: Flask, path: str) -> None:
    form = Form(served, path)
    form.post(form.spoilt({"name": "x"}) + "x" * HUGE)
    form.post(part('name="name"', "x" * HUGE) + "--x--\r\n", MULTIPART)
    assert (form.faults, form.statuses) == ([], {413: 2})


@pytest.mark.parametrize("path", FORMS)
def test_nothing_in_any_field_of_a_form_is_a_fault(served: Flask, path: str) -> None:
    form = Form(served, path)
    spoil_each(form, stride=1)
    spoil_all(form)
    assert form.faults == []


def try_at_random(app: Flask, path: str, how: settings) -> None:
    """Send what hypothesis thinks of."""
    form = Form(app, path)

    @how
    @given(st.dictionaries(st.sampled_from(form.keys), VALUES, max_size=6))
    def send(changes: dict[str, str]) -> None:
        form.post(form.spoilt(changes))
        assert form.faults == []

    send()


@pytest.mark.parametrize("path", FORMS)
def test_no_form_is_a_fault_by_chance(served: Flask, path: str) -> None:
    try_at_random(served, path, BRIEF)


@pytest.mark.parametrize("path", FORMS)
def test_no_form_is_a_fault_by_any_chance(served: Flask, path: str) -> None:
    try_at_random(served, path, LONG)


def test_every_form_is_tried(served: Flask) -> None:
    adapter = served.url_map.bind("localhost")
    tried = {adapter.match(path.partition("?")[0], method="POST")[0] for path in FORMS}
    rules = served.url_map.iter_rules()
    assert tried == {rule.endpoint for rule in rules if "POST" in (rule.methods or ())}


# Queries and paths


def pages(app: Flask) -> list[str]:
    """An address of every rule that can be looked at."""
    rules = [rule for rule in app.url_map.iter_rules() if "GET" in (rule.methods or ())]
    return [re.sub(r"<(\w+:)?\w+>", "1", rule.rule) for rule in rules if "static" not in rule.rule]


def ask_all(attacker: Attacker, stride: int) -> None:
    """Put nasty values into every query, into all its keys at once."""
    for page in [*pages(attacker.app), "/nowhere"]:
        for start in range(0, len(NASTY), stride):
            values = itertools.islice(itertools.cycle(NASTY), start, None)
            query = "&".join(
                f"{key}={value}" for key, value in zip(QUERY_KEYS, values, strict=False)
            )
            attacker.send(f"{page}?{query}")


@pytest.mark.parametrize("role", ["administrator", None])
def test_nothing_in_a_query_is_a_fault(served: Flask, role: str | None) -> None:
    attacker = Attacker(served, role)
    ask_all(attacker, stride=7)
    assert attacker.faults == []
    assert set(attacker.statuses) <= {200, 302, 400, 401, 404}
    assert attacker.statuses[200] > 15


def test_nothing_in_any_query_is_a_fault(served: Flask) -> None:
    attacker = Attacker(served, "administrator")
    ask_all(attacker, stride=1)
    for page, key, value in itertools.product(pages(served), QUERY_KEYS, NASTY):
        attacker.send(f"{page}?{key}={value}")
    assert attacker.faults == []


def test_nothing_in_a_path_is_a_fault(served: Flask) -> None:
    attacker = Attacker(served, "administrator")
    rules = {rule.rule for rule in served.url_map.iter_rules() if "<" in rule.rule}
    for rule, value in itertools.product(sorted(rules), NASTY):
        attacker.send(re.sub(r"<(\w+:)?\w+>", value, rule))
    assert attacker.faults == []


def test_no_query_of_extreme_size_is_a_fault(served: Flask) -> None:
    attacker = Attacker(served, "administrator")
    for page in pages(served):
        attacker.send(f"{page}?q={'x' * 100_000}")
        attacker.send(f"{page}?q={quote('ä ' * 2_000)}")
        attacker.send(f"{page}?" + "&".join(f"q={n}" for n in range(2_000)))
    assert attacker.faults == []


def ask_at_random(app: Flask, how: settings) -> None:
    """Ask what hypothesis thinks of."""
    attacker = Attacker(app, "administrator")

    @how
    @given(
        st.sampled_from(pages(app)),
        st.lists(st.tuples(st.sampled_from(QUERY_KEYS), VALUES), max_size=6),
    )
    def send(page: str, query: list[tuple[str, str]]) -> None:
        attacker.send(f"{page}?" + "&".join(f"{key}={value}" for key, value in query))
        assert attacker.faults == []

    send()


def test_no_query_is_a_fault_by_chance(served: Flask) -> None:
    ask_at_random(served, settings(BRIEF, max_examples=100))


def test_no_query_is_a_fault_by_any_chance(served: Flask) -> None:
    ask_at_random(served, settings(LONG, max_examples=80))


# The control


def test_a_view_that_stumbles_over_a_nul_would_be_found(served: Flask) -> None:
    """Planted: it is asked what all are asked, and the fault is noted."""

    def planted() -> str:
        if "\0" in request.values.get("q", ""):
            raise ValueError("a NUL")
        return ""

    served.add_url_rule("/planted", "planted", public(planted), methods=["GET", "POST"])
    attacker = Attacker(served, None)
    for value in NASTY:
        attacker.send(f"/planted?q={value}")
        attacker.send("/planted", "POST", data=f"q={value}", content_type=URL_ENCODED)
    assert attacker.statuses[500] == len(attacker.faults) == 4
    assert attacker.faults[0].startswith("500 GET /planted?q=%00")
