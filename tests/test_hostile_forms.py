"""What nobody types, in every form: odd text, bad bytes and bodies that are none are no fault."""

import json
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote, urlsplit

import pytest
from flask import Flask
from hostile import (
    BRIEF,
    KEY,
    LONG,
    NASTY,
    URL_ENCODED,
    VALUES,
    Attacker,
    served_shelf,  # noqa: F401  # the fixture `served`
)
from house import form_of
from hypothesis import given, settings
from hypothesis import strategies as st

from bookshelf.accounts import queries, sessions
from bookshelf.core.db import db

pytestmark = [
    pytest.mark.slow,
    pytest.mark.parametrize("place", ["sqlite", "postgresql"], indirect=True),
]

HUGE = 10 * 1024 * 1024  # characters
TABLES = ["users", "authors", "books", "sign_in_tries"]
KEYS = ["csrf_token", "version", "next", "another", "sign_in-email", "a[b]", "", "%00", "%FF"]
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
