"""The door: every rule, method and kind of person; tokens; a crawl that changes nothing."""

import re
from collections.abc import Iterator
from io import BytesIO
from typing import Any

import pytest
from conftest import Place
from flask import Blueprint, Flask
from flask.testing import FlaskClient
from house import HousekeepingClient as Client
from house import form_of, link_to, text_of
from noting import noting
from sqlalchemy import text
from werkzeug.test import TestResponse

from bookshelf.authors.services import create_author
from bookshelf.books.services import create_book
from bookshelf.core.db import db
from bookshelf.core.permissions import Permission, Role, allows
from bookshelf.web.security import SAFE_METHODS, requires

pytestmark = pytest.mark.parametrize("place", ["sqlite", "postgresql"], indirect=True)

OPEN = "open"
READ, WRITE, ADMINISTER = "read", "write", "administer"

# Every rule with its methods, and what it needs; written by hand, so that a new one is thought of.
RULES: dict[tuple[str, str], str] = {
    ("/", "GET"): READ,
    ("/account", "GET"): READ,
    ("/account", "POST"): READ,
    ("/account/password", "GET"): READ,
    ("/account/password", "POST"): READ,
    ("/api/authors", "GET"): READ,
    ("/api/authors/<id:author_id>", "GET"): READ,
    ("/api/authors/<id:author_id>/books", "GET"): READ,
    ("/api/books", "GET"): READ,
    ("/api/books/<id:book_id>", "GET"): READ,
    ("/authors/", "GET"): READ,
    ("/authors/<id:author_id>", "GET"): READ,
    ("/authors/<id:author_id>/delete", "GET"): WRITE,
    ("/authors/<id:author_id>/delete", "POST"): WRITE,
    ("/authors/<id:author_id>/edit", "GET"): WRITE,
    ("/authors/<id:author_id>/edit", "POST"): WRITE,
    ("/authors/countries", "GET"): READ,
    ("/authors/new", "GET"): WRITE,
    ("/authors/new", "POST"): WRITE,
    ("/books/", "GET"): READ,
    ("/books/<id:book_id>", "GET"): READ,
    ("/books/<id:book_id>/delete", "GET"): WRITE,
    ("/books/<id:book_id>/delete", "POST"): WRITE,
    ("/books/<id:book_id>/edit", "GET"): WRITE,
    ("/books/<id:book_id>/edit", "POST"): WRITE,
    ("/books/authors", "GET"): READ,
    ("/books/languages", "GET"): READ,
    ("/books/new", "GET"): WRITE,
    ("/books/new", "POST"): WRITE,
    ("/invitation/<token>", "GET"): OPEN,
    ("/invitation/<token>", "POST"): OPEN,
    ("/livez", "GET"): OPEN,
    ("/login", "GET"): OPEN,
    ("/login", "POST"): OPEN,
    ("/logout", "POST"): OPEN,
    ("/people/", "GET"): ADMINISTER,
    ("/people/<id:user_id>", "GET"): ADMINISTER,
    ("/people/<id:user_id>/disable", "POST"): ADMINISTER,
    ("/people/<id:user_id>/enable", "POST"): ADMINISTER,
    ("/people/<id:user_id>/link", "POST"): ADMINISTER,
    ("/people/<id:user_id>/role", "POST"): ADMINISTER,
    ("/people/new", "GET"): ADMINISTER,
    ("/people/new", "POST"): ADMINISTER,
    ("/schema", "GET"): ADMINISTER,
    ("/readyz", "GET"): OPEN,
    ("/search", "GET"): READ,
    ("/authors/export.csv", "GET"): READ,
    ("/books/export.csv", "GET"): READ,
    ("/welcome/<key>", "GET"): OPEN,
    ("/welcome/<key>", "POST"): OPEN,
}
VISITORS = ["stranger", "viewer", "editor", "administrator", "disabled"]
UNSAFE = [rule for rule, method in RULES if method == "POST"]


def rules_of(app: Flask) -> set[tuple[str, str]]:
    """Every rule that is no static file's, with its methods; HEAD goes with GET."""
    return {
        (rule.rule, method)
        for rule in app.url_map.iter_rules()
        if rule.endpoint not in ("static", "bootstrap.static")
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }


def may_enter(visitor: str, needs: str) -> bool:
    """What the table says of a person before a door."""
    if needs == OPEN:
        return True
    return visitor in set(Role) and allows(visitor, Permission(needs))


def was_let_in(answer: TestResponse) -> bool:
    """Whether a view answered, and not the door."""
    to_sign_in = answer.status_code == 302 and (answer.location or "").startswith("/login?next=")
    return answer.status_code not in (401, 403) and not to_sign_in


def address(rule: str) -> str:
    """An address that the rule fits."""
    return re.sub(r"<(\w+:)?\w+>", "1", rule)


def visit_as(client: FlaskClient, visitor: str) -> Client:
    """Be that kind of person."""
    assert isinstance(client, Client)
    if visitor == "stranger":
        return client.sign_in(None)
    if visitor != "disabled":
        return client.sign_in(visitor)
    client.sign_in("administrator")
    with client.application.app_context():
        db.session.execute(text("UPDATE users SET active = false"))
        db.session.commit()
    return client


def catalogue() -> list[tuple[Any, ...]]:
    """All that is stored, but for what counts tries to sign in."""
    db.session.rollback()
    tables = [table for table in db.metadata.sorted_tables if table.name != "sign_in_tries"]
    return [tuple(row) for table in tables for row in db.session.execute(db.select(table))]


@pytest.fixture
def shelf(app: Flask) -> Flask:
    """An author with a book."""
    create_book(title="A book", author=create_author(name="Ann Lee").id)
    db.session.commit()
    return app


def test_the_table_has_every_rule(app: Flask) -> None:
    assert rules_of(app) == set(RULES)


@pytest.mark.parametrize("visitor", VISITORS)
def test_a_door_opens_for_whom_it_should_and_for_nobody_else(
    visitor: str, shelf: Flask, client: Client
) -> None:
    visit_as(client, visitor)
    leaks: list[object] = []
    shut: list[object] = []
    for (rule, method), needs in RULES.items():
        answer = client.open(address(rule), method=method)
        if was_let_in(answer) != may_enter(visitor, needs):
            (leaks if was_let_in(answer) else shut).append((rule, method, answer.status_code))
    assert (leaks, shut) == ([], [])


def test_a_door_left_open_would_be_found(place: Place) -> None:
    """The control: a rule that needs less than the table says lets somebody in."""
    app = place.app()
    view: Any = app.view_functions["books.delete"]
    view.needs = Permission.READ
    try:
        answer = visit_as(app.test_client(), "viewer").get("/books/1/delete")
        assert was_let_in(answer) != may_enter("viewer", WRITE)
    finally:
        view.needs = Permission.WRITE


def test_a_view_that_says_nothing_is_closed_to_everybody(place: Place) -> None:
    app, planted = place.app(), Blueprint("planted", __name__)
    planted.add_url_rule("/planted", "page", lambda: "secret")
    app.register_blueprint(planted)
    assert rules_of(app) - set(RULES) == {("/planted", "GET")}
    for visitor in VISITORS:
        answer = visit_as(app.test_client(), visitor).get("/planted")
        assert (answer.status_code, "secret" in answer.text) == (403, False)


def test_a_view_that_is_called_static_is_closed_all_the_same(place: Place) -> None:
    app, planted = place.app(), Blueprint("planted", __name__)
    planted.add_url_rule("/planted", "static", lambda: "secret")
    app.register_blueprint(planted)
    assert rules_of(app) - set(RULES) == {("/planted", "GET")}
    assert "secret" not in visit_as(app.test_client(), "administrator").get("/planted").text


SIGN_IN_FOR_BOOKS = "/login?next=/books/?q%3Da%26sort%3D-year"


def test_a_stranger_is_sent_to_sign_in_and_a_program_is_told(client: Client) -> None:
    client.sign_in(None)
    assert client.get("/books/?q=a&sort=-year").location == SIGN_IN_FOR_BOOKS
    answer = client.get("/api/books")
    assert answer.status_code == 401
    assert answer.mimetype == "application/problem+json"
    assert answer.headers["WWW-Authenticate"]


def test_the_json_can_be_opened_for_reading_and_nothing_else(place: Place) -> None:
    client = visit_as(place.app(PUBLIC_API=True).test_client(), "stranger")
    for (rule, method), needs in RULES.items():
        answer = client.open(address(rule), method=method)
        assert was_let_in(answer) == (rule.startswith("/api") or needs == OPEN), rule


def test_what_a_person_may_not_do_is_not_drawn(shelf: Flask, client: Client) -> None:
    pages = ["/", "/authors/", "/authors/1", "/books/", "/books/1", "/books/?q=nothing"]
    for role, expected in (("viewer", False), ("editor", True)):
        client.sign_in(role)
        for page in pages[:-1]:
            offers = re.findall(r'href="[^"]*/(new|edit|delete)\b', client.get(page).text)
            assert bool(offers) == expected, page
        assert ("People" in text_of(client.get("/").text)) is False
    client.sign_in("administrator")
    assert link_to(client.get("/").text, "People") == "/people/"


def test_a_link_on_a_page_is_one_that_the_person_may_follow(shelf: Flask, client: Client) -> None:
    for role in Role:
        client.sign_in(role.value)
        for page in links_within(client, "/"):
            assert was_let_in(client.get(page)), (role, page)


def links_within(client: Client, start: str) -> Iterator[str]:
    """Every address that links lead to, from page to page."""
    seen, waiting = {start}, [start]
    while waiting:
        yield (page := waiting.pop())
        html = client.get(page).text
        for link in re.findall(r'href="(/[^"#]*)"', html):
            plain = link.replace("&amp;", "&")
            if plain not in seen and "/static/" not in plain:
                seen.add(plain)
                waiting.append(plain)


def test_a_crawl_of_every_page_changes_nothing(shelf: Flask, client: Client) -> None:
    client.sign_in("administrator")
    before = catalogue()
    pages = list(links_within(client, "/"))
    assert len(pages) > 15
    for page in pages:
        client.head(page)
    for rule, method in RULES:
        if method in SAFE_METHODS:
            client.get(address(rule))
            client.head(address(rule))
    assert catalogue() == before


def test_a_page_that_writes_when_it_is_looked_at_would_be_found(place: Place) -> None:
    """The control of the crawl."""
    app, planted = place.app(), Blueprint("planted", __name__)

    def page() -> str:
        db.session.execute(
            text("INSERT INTO authors (name, sort_name, sort_key) VALUES ('x','x','x')")
        )
        db.session.commit()
        return ""

    planted.add_url_rule("/planted", "page", requires(Permission.READ)(page))
    app.register_blueprint(planted)
    client = visit_as(app.test_client(), "administrator")
    with app.app_context():
        before = catalogue()
        client.get("/planted", headers={"Accept": "text/plain"})
        assert catalogue() != before


# Tokens


def token_of(client: Client) -> str:
    """A token of the session that this client has."""
    return form_of(client.get("/account").text)["csrf_token"]


def forgeries(client: Client, stranger: Client) -> dict[str, tuple[dict[str, str], dict[str, str]]]:
    """What somebody without the right token can send: fields and headers."""
    right = token_of(client)
    return {
        "no token": ({}, {}),
        "a stranger's token": ({"csrf_token": token_of(stranger)}, {}),
        "a garbled token": ({"csrf_token": right[:-20] + right[-20:].swapcase()}, {}),
        "another site": ({"csrf_token": right}, {"Sec-Fetch-Site": "cross-site"}),
        "a sister site": ({"csrf_token": right}, {"Sec-Fetch-Site": "same-site"}),
    }


FIELDS = {
    "/account": {"name": "Eve"},
    "/account/password": {"current_password": "x", "password": "a new password"},
    "/authors/new": {"name": "Eve"},
    "/authors/1/edit": {"name": "Eve", "version": "1"},
    "/books/new": {"title": "Eve", "author": "Ann Lee"},
    "/books/1/edit": {"title": "Eve", "author": "Ann Lee", "version": "1"},
    "/people/new": {"email": "eve@example.org", "role": "administrator"},
    "/people/1/role": {"role": "administrator"},
}


@pytest.mark.parametrize("rule", UNSAFE)
def test_nothing_is_written_without_a_token_of_the_session(
    rule: str, shelf: Flask, client: Client
) -> None:
    client.sign_in("viewer")
    client.sign_in("administrator")
    stranger = visit_as(shelf.test_client(), "editor")
    stranger.get("/")
    for kind, (fields, headers) in forgeries(client, stranger).items():
        before = catalogue()
        sent = FIELDS.get(address(rule), {}) | fields
        answer = client.post(address(rule), data=sent, headers=headers)
        assert answer.status_code in (302, 400, 403, 404), kind
        assert catalogue() == before, kind


@pytest.mark.parametrize("path", ["/authors/new", "/people/new", "/account"])
def test_with_a_token_of_the_session_the_same_is_written(
    path: str, shelf: Flask, client: Client
) -> None:
    """The control: what the test above sends is refused for its token alone."""
    client.sign_in("administrator")
    before, token = catalogue(), {"csrf_token": token_of(client)}
    client.post(path, data=FIELDS[path] | token, headers={"Sec-Fetch-Site": "same-origin"})
    assert catalogue() != before


def test_a_token_of_the_session_before_is_refused(client: Client) -> None:
    client.sign_in("editor")
    token = token_of(client)
    with client.session_transaction() as session:
        session.pop("csrf_token")
    assert client.post("/authors/new", data={"name": "Eve", "csrf_token": token}).status_code == 400


# Keys


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        ({"name": "Ann", "is_admin": "1"}, "This form has no field “is_admin”."),
        ({"name": "Ann", "sort_key": "zzz"}, "This form has no field “sort_key”."),
        ({"name": ["Ann", "Bo"]}, "The field “name” was sent twice."),
        (
            {"name": "Ann", "country_choice": ["GB", "US"]},
            "The field “country_choice” was sent twice.",
        ),
    ],
)
def test_keys_that_no_page_of_ours_sends_are_refused(
    client: Client, sent: dict[str, Any], said: str
) -> None:
    client.sign_in("editor")
    before = catalogue()
    answer = client.post("/authors/new", data={"csrf_token": token_of(client)} | sent)
    assert answer.status_code == 400
    assert said in text_of(answer.text)
    assert catalogue() == before


def test_a_file_that_no_form_has_is_refused(client: Client) -> None:
    client.sign_in("viewer")
    sent = {"name": "Eve", "csrf_token": token_of(client), "extra": (BytesIO(b"x"), "x.txt")}
    answer = client.post("/account", data=sent, content_type="multipart/form-data")
    assert answer.status_code == 400


def test_a_role_cannot_be_slipped_into_another_form(client: Client) -> None:
    client.sign_in("viewer")
    sent = {"name": "Eve", "role": "administrator", "csrf_token": token_of(client)}
    assert client.post("/account", data=sent).status_code == 400
    assert db.session.scalar(text("SELECT role FROM users")) == "viewer"


# Who is known, and at what cost


def test_one_statement_tells_who_somebody_is(app: Flask, client: Client) -> None:
    client.sign_in("viewer")
    client.get("/account")
    pages = {"/authors/countries": 1, "/login": 0, "/nowhere": 1, "/api/books": 1}
    for page, expected in pages.items():
        with noting() as sent:
            client.get(page)
        assert sum("users" in statement for statement, _ in sent) == expected, page
