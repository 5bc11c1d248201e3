"""The house rules, checked on every page that any test is given."""

import re
import time
from collections import Counter
from contextlib import suppress
from contextvars import Context
from functools import lru_cache
from html import unescape
from html.parser import HTMLParser
from typing import Any, Self

from flask import Flask, has_app_context
from flask.sessions import SecureCookieSessionInterface
from flask.testing import FlaskClient
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from werkzeug.test import TestResponse

from bookshelf.core.db import db

VOID = {"meta", "link", "img", "input", "br", "hr"}
LABELLED = {"input", "textarea", "select"}


class Page(HTMLParser):
    """What the rules are about: ids, fields, labels, forms, the title, what stands inline."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.title = ""
        self.post_forms: list[bool] = []  # whether each has a token
        self.sent: list[dict[str, str | None]] = []  # the inputs of the forms that post
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = dict(attrs)
        self.elements.append((tag, attributes))
        if tag not in VOID:
            self.open.append(tag)
        if tag == "form":
            self.posts = attributes.get("method", "get") == "post"
        if tag == "input" and "form" in self.open and self.posts:
            self.sent.append(attributes)
        if tag == "form" and attributes.get("method", "get") == "post":
            self.post_forms.append(False)
        if (attributes.get("name") or "").endswith("csrf_token") and self.post_forms:
            self.post_forms[-1] = True

    def handle_endtag(self, tag: str) -> None:
        assert self.open, f"</{tag}> closes nothing"
        assert self.open[-1] == tag, f"</{tag}> closes <{self.open[-1]}>"
        self.open.pop()

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] == "title" and "svg" not in self.open:
            self.title += data


@lru_cache(maxsize=16)
def read(html: str) -> Page:
    """The page, which several checks of one test need."""
    return Page(html)


def check_page(html: str) -> None:
    """Raise AssertionError for a page that breaks a rule of the house."""
    page = read(html)
    assert page.title.strip(), "a page needs a title"
    assert page.open == [], f"never closed: {page.open}"
    ids = Counter(found["id"] for _, found in page.elements if "id" in found)
    assert not [name for name, count in ids.items() if count > 1], f"ids used twice: {ids}"
    assert all(page.post_forms), "a form that posts needs a token"
    labels = {found.get("for") for tag, found in page.elements if tag == "label"}
    for tag, found in page.elements:
        _check_element(tag, found, labels, set(ids))


def _check_element(
    tag: str, found: dict[str, str | None], labels: set[str | None], ids: set[str | None]
) -> None:
    if tag in LABELLED and found.get("type") not in ("hidden", "submit"):
        assert found.get("id") in labels, f"a field without a label: {found}"
    assert "style" not in found, f"inline style: {found}"
    assert not [name for name in found if name.startswith("on")], f"inline script: {found}"
    assert tag != "style", "inline style"
    assert tag != "script" or found.get("src"), "inline script"
    for name in ("aria-describedby", "aria-labelledby", "list"):
        for target in (found.get(name) or "").split():
            assert target in ids, f"{name} points to nothing: {target}"


def epoch_of(role: str) -> str:
    """The epoch of the sessions of the person who stands for a role in tests."""
    return f"epoch of the {role}"


def add_person(role: str) -> None:
    """Add the person who stands for a role, if there is a table to add them to."""
    email = f"{role}@example.org"
    values = {"email": email, "sort_key": email, "role": role, "fs_uniquifier": epoch_of(role)}
    statement = text(
        "INSERT INTO users (email, sort_key, role, fs_uniquifier) "
        "VALUES (:email, :sort_key, :role, :fs_uniquifier) ON CONFLICT DO NOTHING"
    )
    with suppress(DBAPIError), db.engine.begin() as connection:
        connection.execute(statement, values)


def session_of(role: str) -> dict[str, Any]:
    """What the session of the person holds who stands for a role."""
    known = {"_user_id": epoch_of(role), "_fresh": True, "fs_paa": time.time()}
    return known | {"_permanent": True}


def cookie_of(role: str) -> str:
    """The cookie with which a browser is signed in as the person who stands for a role."""
    app = Flask("as served by the tests")
    app.secret_key = "only-for-tests"
    serializer = SecureCookieSessionInterface().get_signing_serializer(app)
    assert serializer
    return str(serializer.dumps(session_of(role)))


class HousekeepingClient(FlaskClient):
    """A client that checks every page, and can fill in a form as a person does.

    It is signed in as an editor, without the page for it, unless `role` says otherwise.
    """

    role: str | None = "editor"
    has_entered = False

    def sign_in(self, role: str | None) -> Self:
        """Be somebody of that role from now on; None is a stranger."""
        had_entered = self.has_entered
        self.role, self.has_entered = role, True
        if role is None and not had_entered:
            return self
        if has_app_context():
            db.session.commit()  # What a test has arranged locks nothing.
        with self.session_transaction() as session:
            session.clear()
            session.update(session_of(role) if role else {})
        if role:
            with self.application.app_context():
                add_person(role)
        return self

    def open(self, *args: Any, **kwargs: Any) -> TestResponse:
        """Request a page and check it; it is answered in a session of its own, as when served."""
        if has_app_context():
            db.session.commit()  # What a test has arranged is there for all, and locks nothing.
            db.session.expire_all()  # It looks at its records anew afterwards.
        if not self.has_entered:
            self.sign_in(self.role)
        response = Context().run(super().open, *args, **kwargs)
        is_page = response.mimetype == "text/html" and not 300 <= response.status_code < 400
        is_part = "X-Partial" in dict(kwargs.get("headers") or ())
        if is_page and response.data and not is_part and not response.content_encoding:
            check_page(response.text)
        return response

    def submit(self, url: str, page: str | None = None, **typed: Any) -> TestResponse:
        """Open a form's page, change what is given, and send it as a browser would."""
        form = form_of(self.get(page or url).text)
        return self.post(url, data=form | typed)


def stranger(app: Flask) -> HousekeepingClient:
    """A client that is nobody."""
    return HousekeepingClient(app, app.response_class).sign_in(None)


def form_of(html: str) -> dict[str, str]:
    """What the form that posts would send if it were sent as it stands."""
    page = read(html)
    sent = {
        str(found["name"]): found.get("value") or ""
        for found in page.sent
        if found.get("name") and found.get("type") != "radio"
    }
    areas = re.findall(r'<textarea[^>]*name="(\w+)"[^>]*>\r?\n?(.*?)</textarea>', html, re.S)
    return sent | {name: unescape(body) for name, body in areas}


def text_of(html: str) -> str:
    """What a person reads, blanks as single spaces; a mark parts no word."""
    html = re.sub(r"</?mark>", "", html)
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", html)).split())


def rows_of(html: str) -> list[str]:
    """What the rows of a list are called, from the top."""
    return [text_of(row) for row in re.findall(r'<th scope="row">(.*?)</th>', html, re.S)]


def link_to(html: str, words: str) -> str | None:
    """The address behind the link that says these words, if one does."""
    links = re.findall(r'<a [^>]*href="([^"]*)"[^>]*>(.*?)</a>', html, re.S)
    return next((unescape(href) for href, said in links if text_of(said) == words), None)


def field_of(html: str, name: str) -> dict[str, str | None]:
    """The attributes of the field of that name."""
    found = (a for tag, a in read(html).elements if tag in LABELLED and a.get("name") == name)
    return next(found)


def error_at(html: str, name: str) -> str:
    """The message that an invalid field is described by; "" for a field without one."""
    field = field_of(html, name)
    described = (field.get("aria-describedby") or "").split()
    if field.get("aria-invalid") != "true" or not described:
        return ""
    said = re.search(f'<p [^>]*id="{described[-1]}"[^>]*>(.*?)</p>', html, re.S)
    return text_of(said[1]) if said else ""
