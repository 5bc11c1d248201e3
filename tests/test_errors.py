"""What goes wrong: a page in the layout for people, problem details for programs, never a fault."""

import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from conftest import Place, execute, style_sheet
from flask import Flask, abort
from house import HousekeepingClient as Client
from house import form_of, link_to, text_of
from noting import noting
from sqlalchemy import text
from sqlalchemy.engine import make_url
from werkzeug.test import TestResponse

from bookshelf.authors import queries
from bookshelf.authors.services import create_author
from bookshelf.books.services import create_book
from bookshelf.core.db import db
from bookshelf.core.permissions import Permission
from bookshelf.web.security import public, requires

MakeApp = Callable[..., Flask]
HUGE = "x" * 1_100_000


@pytest.fixture
def broken(make_app: MakeApp, monkeypatch: pytest.MonkeyPatch) -> Client:
    """A client of an application of which the list of authors has a fault."""

    def fail(**asked: Any) -> None:
        raise RuntimeError("a secret of ours")

    monkeypatch.setattr(queries, "page_of_authors", fail)
    app = make_app(TESTING=False)
    return Client(app, app.response_class)


def assert_page(answer: TestResponse, status: int, title: str) -> None:
    """The answer is an error page, with the navigation of all pages where it is known who asks."""
    assert answer.status_code == status
    assert f"<h1>{title}</h1>" in answer.text
    assert status == 503 or link_to(answer.text, "Authors") == "/authors/"
    assert link_to(answer.text, "To the start page") == "/"
    assert "Traceback" not in answer.text


def assert_problem(answer: TestResponse, status: int, title: str) -> None:
    """The answer is an error that a program can read (RFC 9457)."""
    assert (answer.status_code, answer.mimetype) == (status, "application/problem+json")
    problem = answer.get_json()
    assert problem.keys() == {"type", "title", "status", "detail"}
    assert (problem["type"], problem["title"], problem["status"]) == ("about:blank", title, status)
    assert problem["detail"]


# 400, 404, 405, 413, 422


def test_a_bad_request_is_a_page_and_a_problem(make_app: MakeApp) -> None:
    app = make_app()
    app.add_url_rule("/bad", view_func=requires(Permission.READ)(lambda: abort(400)), endpoint="b")
    app.add_url_rule("/api/bad", view_func=public(lambda: abort(400)), endpoint="api_bad")
    client = app.test_client()
    assert_page(client.get("/bad"), 400, "Bad request")
    assert_problem(client.get("/api/bad"), 400, "Bad Request")


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"--x\r\nnonsense", "multipart/form-data; boundary=x"),
        (b"nonsense", "multipart/form-data"),
        (b"--x\r\nContent-Disposition: form-data; name", "multipart/form-data; boundary=x"),
        (b"\xff\xfe=%ff&name=%00", "application/x-www-form-urlencoded"),
        (b"{", "application/json"),
        (b"<x>", "text/xml"),
        (b"", "x/y; charset=utf-99"),
    ],
)
def test_a_body_that_is_no_form_is_a_bad_request(client: Client, body: bytes, kind: str) -> None:
    assert client.post("/authors/new", data=body, content_type=kind).status_code == 400
    assert queries.total().number == 0


@pytest.mark.parametrize("path", ["/nothing", "/authors/1", "/authors/x", "/books/1/", "/%00"])
def test_an_address_of_nothing_is_a_page(client: Client, path: str) -> None:
    assert_page(client.get(path), 404, "Not found")


def test_an_address_of_nothing_is_a_problem_in_json(client: Client) -> None:
    assert_problem(client.get("/api/nothing"), 404, "Not Found")


@pytest.mark.parametrize(
    ("path", "method", "allowed"),
    [
        ("/", "POST", {"GET", "HEAD", "OPTIONS"}),
        ("/authors/", "DELETE", {"GET", "HEAD", "OPTIONS"}),
        ("/authors/new", "PUT", {"GET", "HEAD", "OPTIONS", "POST"}),
    ],
)
def test_a_method_that_is_not_allowed_is_a_page_that_says_what_is(
    client: Client, path: str, method: str, allowed: set[str]
) -> None:
    answer = client.open(path, method=method)
    assert_page(answer, 405, "Method not allowed")
    assert set(answer.headers["Allow"].split(", ")) == allowed


def test_a_body_that_is_too_large_is_a_page(client: Client) -> None:
    drawn = form_of(client.get("/authors/new").text)
    page = client.post("/authors/new", data=drawn | {"name": "Ann", "bio": HUGE})
    assert page.status_code == 413
    assert "What was sent is too large." in text_of(page.text)
    assert link_to(page.text, "Authors") == "/authors/"
    assert queries.total().number == 0


def test_what_was_typed_has_a_limit_below_that_of_files(client: Client) -> None:
    part = f'--x\r\nContent-Disposition: form-data; name="bio"\r\n\r\n{"x" * 600_000}\r\n'
    kind = "multipart/form-data; boundary=x"
    page = client.post("/authors/new", data=f"{part}--x--\r\n", content_type=kind)
    assert_page(page, 413, "Request entity too large")
    assert "What was sent is too large." in text_of(page.text)
    assert queries.total().number == 0


def test_a_form_of_more_parts_than_any_form_has_is_too_large(client: Client) -> None:
    part = '--x\r\nContent-Disposition: form-data; name="bio"\r\n\r\nx\r\n'
    kind = "multipart/form-data; boundary=x"
    page = client.post("/authors/new", data=f"{part * 101}--x--\r\n", content_type=kind)
    assert_page(page, 413, "Request entity too large")
    assert (
        client.post("/authors/new", data=f"{part * 100}--x--\r\n", content_type=kind).status_code
        == 400
    )


def test_a_form_with_a_file_may_be_too_large_as_well(client: Client) -> None:
    body = f'--x\r\nContent-Disposition: form-data; name="bio"\r\n\r\n{HUGE}\r\n--x--\r\n'
    kind = "multipart/form-data; boundary=x"
    assert client.post("/authors/new", data=body, content_type=kind).status_code == 413


def test_the_longest_text_that_is_allowed_is_not_too_large(client: Client) -> None:
    answer = client.submit("/authors/new", name="\U0001f4da" * 300, bio="\U0001f4da" * 20_000)
    assert answer.status_code == 302


def test_a_form_that_is_wrong_is_drawn_again_in_the_layout(client: Client) -> None:
    page = client.submit("/authors/new")
    assert page.status_code == 422
    assert link_to(page.text, "Books") == "/books/"


# 500


def test_a_fault_of_ours_is_a_page_that_tells_nothing_of_it(
    broken: Client, capsys: pytest.CaptureFixture[str]
) -> None:
    page = broken.get("/authors/")
    assert page.status_code == 500
    assert "Something went wrong" in text_of(page.text)
    for word in ("Traceback", "RuntimeError", "a secret of ours", ".py", "<nav"):
        assert word not in page.text
    assert "a secret of ours" in capsys.readouterr().err


def test_a_fault_of_ours_is_a_problem_in_json(broken: Client) -> None:
    answer = broken.get("/api/authors")
    assert_problem(answer, 500, "Internal Server Error")
    assert "secret" not in answer.text


def test_the_page_of_a_fault_asks_the_database_nothing(
    make_app: MakeApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = make_app(TESTING=False)
    client = app.test_client()
    client.get("/")
    monkeypatch.setattr(queries, "total", lambda: 1 // 0)
    with app.app_context(), noting() as sent:
        assert client.get("/").status_code == 500
    assert [statement for statement, _ in sent if "FROM users" not in statement] == []


def test_a_statement_that_is_wrong_is_a_fault_of_ours(
    make_app: MakeApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = make_app(TESTING=False).test_client()
    client.get("/")
    monkeypatch.setattr(queries, "total", lambda: db.session.execute(text("SELEC 1")))
    page = client.get("/")
    assert page.status_code == 500
    assert "SELEC" not in page.text
    monkeypatch.undo()
    assert client.get("/").status_code == 200


# 503


def away(place: Place, folder: Path) -> str:
    """The address of a database that cannot be reached."""
    if place.kind == "sqlite":
        return f"sqlite:///{folder}/gone/bookshelf.db"
    url = make_url(place.settings()["SQLALCHEMY_DATABASE_URI"])
    return url.set(port=1).render_as_string(hide_password=False)


def test_a_database_that_is_away_is_a_page_that_says_try_again(
    place: Place, make_app: MakeApp, tmp_path: Path
) -> None:
    client = make_app(SQLALCHEMY_DATABASE_URI=away(place, tmp_path), TESTING=False).test_client()
    for path in ("/", "/authors/", "/books/new", "/authors/1/edit"):
        page = client.get(path)
        assert_page(page, 503, "Service unavailable")
        assert page.headers["Retry-After"] == "5"
        assert "The database cannot be reached just now." in text_of(page.text)
        assert place.kind == "sqlite" or "127.0.0.1" not in page.text
    answer = client.get("/api/books")
    assert_problem(answer, 503, "Service Unavailable")
    assert answer.headers["Retry-After"] == "5"
    assert client.post("/authors/new", data={"name": "Ann"}).status_code == 503
    typed = {"name": "Ann", "bio": "Two\nlines", "csrf_token": "t"}
    kept = client.post("/authors/new", data=typed)
    assert kept.status_code == 503
    assert form_of(kept.text) == typed
    assert '<form class="again" method="post">' in kept.text
    assert "hunter2" not in client.post("/authors/new", data=typed | {"password": "hunter2"}).text
    with client.get(style_sheet(client.application)) as style:
        assert style.status_code == 200


def damaged(folder: Path, damage: str) -> str:
    """The address of a file on which SQLite gives up, before or after it has found the tables."""
    file = folder / "damaged.db"
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("CREATE TABLE alembic_version (version_num)")
    whole = file.read_bytes()
    file.write_bytes(b"Dear diary." * 999 if damage == "NOTADB" else whole[:100] + b"x" * 8092)
    return f"sqlite:///{file}"


@pytest.mark.parametrize("place", ["sqlite"], indirect=True)
@pytest.mark.parametrize("damage", ["NOTADB", "CORRUPT"])
def test_a_damaged_file_is_a_page_that_says_what_to_run(
    make_app: MakeApp, tmp_path: Path, damage: str
) -> None:
    app = make_app(SQLALCHEMY_DATABASE_URI=damaged(tmp_path, damage), TESTING=False)
    page = app.test_client().get("/authors/")
    assert_page(page, 503, "Service unavailable")
    said = "The database file is damaged, or is no database. Run `flask doctor`."
    assert said in text_of(page.text)
    assert_problem(app.test_client().get("/api/authors"), 503, "Service Unavailable")


def test_a_database_that_goes_away_while_serving_and_comes_back(
    place: Place, make_app: MakeApp, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    app = make_app(TESTING=False)
    client = app.test_client()
    assert client.get("/").status_code == 200
    with app.app_context():
        there, gone = db.engine, make_app(SQLALCHEMY_DATABASE_URI=away(place, tmp_path))
        with gone.app_context():
            nowhere = db.engine
        monkeypatch.setitem(db.engines, None, nowhere)
        assert_page(client.get("/authors/"), 503, "Service unavailable")
        monkeypatch.setitem(db.engines, None, there)
    assert client.get("/authors/").status_code == 200


@pytest.mark.parametrize("place", ["postgresql", "pgbouncer"], indirect=True)
def test_connections_that_were_cut_while_idle_are_replaced_unnoticed(
    place: Place, app: Flask, client: Client
) -> None:
    assert client.get("/authors/").status_code == 200
    name = make_url(place.migrating).database
    cut = "SELECT pg_terminate_backend(pid, 30000) FROM pg_stat_activity"  # waits for it, in ms
    execute(place.migrating, f"{cut} WHERE datname = '{name}' AND pid <> pg_backend_pid()")
    time.sleep(0.1)
    assert client.get("/authors/").status_code == 200


@pytest.mark.parametrize("place", ["postgresql", "pgbouncer"], indirect=True)
def test_only_a_connection_that_was_idle_is_pinged(
    app: Flask, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    pinged: list[Any] = []

    def is_gone(connection: Any) -> None:
        pinged.append(connection)
        connection.close()
        raise db.engine.dialect.loaded_dbapi.OperationalError("nobody is there")

    with app.app_context():
        monkeypatch.setattr(db.engine.dialect, "do_ping", is_gone)
    monkeypatch.setattr("bookshelf.core.connections.PING_AFTER_S", 60)
    for _ in range(2):
        assert client.get("/authors/").status_code == 200
    assert pinged == []
    monkeypatch.setattr("bookshelf.core.connections.PING_AFTER_S", 0)
    assert client.get("/authors/").status_code == 200
    assert [connection.closed for connection in pinged] == [1]


@pytest.mark.parametrize("place", ["sqlite", "postgresql"], indirect=True)
def test_a_full_pool_answers_try_again_after_three_seconds(place: Place, make_app: MakeApp) -> None:
    options = place.settings()["SQLALCHEMY_ENGINE_OPTIONS"] | {"pool_size": 1}
    app = make_app(SQLALCHEMY_ENGINE_OPTIONS=options, TESTING=False)
    client = app.test_client()
    assert client.get("/").status_code == 200
    with app.app_context(), db.engine.connect():
        began = time.monotonic()
        page = client.get("/authors/")
        assert 2.5 < time.monotonic() - began < 10  # a pool waits for 30 s by itself
    assert_page(page, 503, "Service unavailable")
    assert "Retry-After" in page.headers
    assert client.get("/authors/").status_code == 200


# Whatever an address holds


VALUES = {
    "NUL": "%00",
    "NUL inside": "a%00b",
    "no UTF-8": "%ff%fe",
    "surrogate": "%ED%A0%80",
    "overlong": "%C0%80",
    "ten kilobytes": "x" * 10_000,
    "many words": "a+" * 5_000,
    "long words": "%EF%B7%BA" * 1_100,
    "beyond 64 bits": str(2**63),
    "negative": "-1",
    "other digits": "%D9%A3",
    "blank": "+",
    "empty": "",
    "half an escape": "%",
    "wildcards": "%25_%5C",
    "quotes": "%27%22%3B--",
    "not finite": "NaN",
    "direction": "%E2%80%AE",
}
READ = {
    "/authors/": "q sort after before country",
    "/books/": "q sort after before language author_id",
    "/books/new": "author_id publisher language",
}
NAMES = sorted({name for names in READ.values() for name in names.split()})


def routes_that_read(app: Flask, record_id: int) -> list[str]:
    """The address of every page, with the record of that id."""
    adapter = app.url_map.bind("localhost")
    return [
        adapter.build(rule.endpoint, dict.fromkeys(rule.arguments, record_id))
        for rule in app.url_map.iter_rules()
        if "GET" in (rule.methods or ()) and not rule.arguments & {"filename", "key", "token"}
    ]


@pytest.mark.parametrize("value", VALUES.values(), ids=VALUES)
def test_no_parameter_breaks_a_page(app: Flask, client: Client, value: str) -> None:
    create_book(title="A book", author=create_author(name="Ann", country="GB").id)
    client.sign_in("administrator")
    paths = routes_that_read(app, 1)
    assert len(paths) >= 18
    together = "&".join(f"{name}={value}" for name in NAMES)
    alone = [f"{path}?{name}={value}" for path, names in READ.items() for name in names.split()]
    for url in (*(f"{path}?{together}" for path in paths), *alone):
        status = client.get(url, follow_redirects=True).status_code
        # A file cannot say that something was ignored, as a list does.
        may_refuse = url.startswith("/api/") or "/export.csv" in url
        assert status == 200 or (may_refuse and status == 400), url


@pytest.mark.parametrize("row_id", ["0", "2147483648", "99999999999999999999", "-1", "1.0", "%00"])
def test_an_id_that_no_record_can_have_is_not_found(
    app: Flask, client: Client, row_id: str
) -> None:
    create_book(title="A book", author=create_author(name="Ann").id)
    paths = [path for path in routes_that_read(app, 7) if "/7" in path]
    assert len(paths) >= 9
    for path in paths:
        assert client.get(path.replace("/7", f"/{row_id}")).status_code == 404, path
