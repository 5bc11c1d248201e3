"""The log: what one line says of an event, and what no line ever says."""

import contextlib
import json
import logging
import re
import warnings
from collections.abc import Callable
from typing import Any

import pytest
from conftest import Place
from flask import Flask, abort, request
from sqlalchemy import text
from structlog.contextvars import get_contextvars

from bookshelf.authors import queries
from bookshelf.core.db import db
from bookshelf.web.log import bind_actor, log
from bookshelf.web.security import public

MakeApp = Callable[..., Flask]
Read = Callable[[], list[dict[str, Any]]]
MOMENT = r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z"
NUMBER = "[0-9a-f]{32}"
CANARY = "cAnaRy"


@pytest.fixture(params=["sqlite"])
def place(request: pytest.FixtureRequest, standing: Callable[[str], tuple[Place, Flask]]) -> Place:
    """One kind of database will do, except where a test asks for another."""
    return standing(request.param)[0]


@pytest.fixture(autouse=True)
def _forget_migrating(
    place: Place, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As when serving: a migration in this process made Alembic talk, in a way of its own."""
    caplog.set_level(logging.WARNING, "alembic.runtime.migration")
    kept = [each for each in logging.root.handlers if type(each) is not logging.StreamHandler]
    monkeypatch.setattr(logging.root, "handlers", kept)


@pytest.fixture
def app(make_app: MakeApp) -> Flask:
    """An application as in production, with views that fail, and that tell of themselves."""
    app = make_app(BOOKSHELF_ENV="production", TESTING=False, PROXY_HOPS=1)

    def event(word: str) -> list[str]:
        bind_actor("ann@example.org")
        log.info("event", word=word)
        return [word]

    def failing(word: str) -> str:
        raise RuntimeError(f"a fault\nof {word}")

    app.add_url_rule("/event/<word>", view_func=public(event))
    app.add_url_rule("/failing/<word>", view_func=public(failing))
    app.add_url_rule("/large", view_func=public(lambda: abort(413)), endpoint="large")
    return app


@pytest.fixture
def read(capsys: pytest.CaptureFixture[str]) -> Read:
    """The events of production since it was read last, each of which is one line."""

    def events() -> list[dict[str, Any]]:
        return [json.loads(line) for line in capsys.readouterr().err.splitlines()]

    return events


def test_an_event_says_when_in_which_request_and_who(app: Flask, read: Read) -> None:
    answer = app.test_client().get(f"/event/tree?q={CANARY}")
    (event,) = read()
    assert re.fullmatch(MOMENT, event.pop("timestamp"))
    assert re.fullmatch(NUMBER, event["request_id"])
    assert event == {
        "event": "event",
        "level": "info",
        "word": "tree",
        "request_id": answer.headers["X-Request-ID"],
        "actor": "ann@example.org",
        "method": "GET",
        "view": "event",
    }


def test_each_request_has_a_number_of_its_own_and_leaves_nothing_behind(
    app: Flask, read: Read
) -> None:
    client = app.test_client()
    numbers = {client.get(path).headers["X-Request-ID"] for path in ("/", "/event/a", "/nothing")}
    assert len(numbers) == 3
    assert read()[0]["actor"] == "ann@example.org"
    client.get("/failing/x")
    assert read()[0]["actor"] == "anonymous"
    assert get_contextvars() == {}


def test_nothing_of_a_request_is_left_in_its_thread(app: Flask) -> None:
    answered = app.wsgi_app(
        {
            "REQUEST_METHOD": "GET",
            "PATH_INFO": "/event/a",
            "HTTP_HOST": "localhost",
            "wsgi.url_scheme": "http",
            "wsgi.errors": logging.lastResort and logging.lastResort.stream,  # type: ignore[attr-defined]
        },
        lambda status, headers, error=None: lambda data: None,
    )
    assert b"".join(answered) == b'["a"]\n'
    assert get_contextvars() == {}


@pytest.mark.parametrize("path", ["/", "/nothing", "/failing/x", "/livez", "/api/books"])
def test_every_answer_carries_its_number(app: Flask, path: str) -> None:
    for host in ("localhost", "evil.example"):
        answer = app.test_client().get(path, headers={"Host": host})
        (number,) = answer.headers.getlist("X-Request-ID")
        assert re.fullmatch(NUMBER, number)


@pytest.mark.parametrize("number", ["abcd-1234", "A" * 64, "0123456789abcdef"])
def test_the_number_of_a_proxy_is_taken_where_there_is_one(make_app: MakeApp, number: str) -> None:
    given = {"X-Request-ID": number}
    for hops in (0, 1):
        answer = make_app(PROXY_HOPS=hops).test_client().get("/", headers=given)
        assert (answer.headers["X-Request-ID"] == number) is (hops > 0)


@pytest.mark.parametrize("number", ["short", "A" * 65, "abcd 1234", "abcd_1234", "ä" * 9, '"' * 9])
def test_a_number_of_another_form_is_not_taken(app: Flask, number: str) -> None:
    answer = app.test_client().get("/", headers={"X-Request-ID": number})
    assert re.fullmatch(NUMBER, answer.headers["X-Request-ID"])


# What is logged


def test_a_fault_is_one_line_with_its_traceback(app: Flask, read: Read) -> None:
    page = app.test_client().get(f"/failing/{CANARY}?q={CANARY}")
    (event,) = read()
    assert (event["event"], event["level"], event["view"]) == ("fault", "error", "failing")
    assert "in failing\n" in event["exception"]
    assert event["exception"].endswith("RuntimeError: a fault")
    assert CANARY not in str(event)
    assert f"quote this number: <code>{event['request_id']}</code>" in page.text


def test_a_traceback_says_what_a_fault_came_of(app: Flask, read: Read) -> None:
    def failing() -> str:
        try:
            raise KeyError("first")
        except KeyError as error:
            raise ValueError("second") from error

    app.add_url_rule("/both", view_func=public(failing), endpoint="both")
    app.test_client().get("/both")
    said = read()[0]["exception"]
    assert said.index("ValueError: second") < said.index("which came of") < said.index("'first'")


@pytest.mark.parametrize("place", ["sqlite", "postgresql"], indirect=True)
def test_a_statement_that_fails_keeps_what_was_typed_to_itself(
    app: Flask, read: Read, monkeypatch: pytest.MonkeyPatch
) -> None:
    values = {"name": CANARY, "bio": f"{CANARY}\n\n{CANARY}", "key": CANARY}
    statement = "INSERT INTO authors (name, bio, sort_key) VALUES (:name, :bio, :key)"
    client = app.test_client()
    client.get("/")
    monkeypatch.setattr(queries, "total", lambda: db.session.execute(text(statement), values))
    assert client.get("/").status_code == 500
    (event,) = read()
    assert "IntegrityError" in event["exception"]
    assert CANARY not in str(event)


def test_a_database_that_is_away_is_a_warning(
    make_app: MakeApp, read: Read, tmp_path: object
) -> None:
    gone = f"sqlite:///{tmp_path}/gone/bookshelf.db"
    app = make_app(SQLALCHEMY_DATABASE_URI=gone, BOOKSHELF_ENV="production", TESTING=False)
    assert app.test_client().get("/").status_code == 503
    (event,) = read()
    assert (event["event"], event["level"]) == ("database unavailable", "warning")
    assert event["error"] == "OperationalError"
    assert "gone" not in str(event)


def test_a_database_that_lacks_a_revision_is_a_warning(
    create_place: Callable[[str], Place], read: Read
) -> None:
    app = create_place("sqlite").app(BOOKSHELF_ENV="production", TESTING=False)
    assert app.test_client().get("/").status_code == 503
    assert [event["event"] for event in read()] == ["database behind"]


def test_what_is_too_large_and_a_wrong_host_are_warnings(app: Flask, read: Read) -> None:
    client = app.test_client()
    client.get("/large")
    client.get("/", headers={"Host": f"{CANARY}.example"})
    events = read()
    assert [event["event"] for event in events] == ["too large", "wrong host"]
    assert {event["level"] for event in events} == {"warning"}
    assert CANARY not in str(events)


def test_what_is_all_right_is_not_worth_a_line(app: Flask, read: Read) -> None:
    client = app.test_client()
    assert {client.get(path).status_code for path in ("/", "/authors/", "/livez")} == {200}
    assert client.get("/nothing").status_code == 404
    assert read() == []


def test_what_a_visitor_sends_is_in_no_line(app: Flask, read: Read) -> None:
    client = app.test_client()
    client.set_cookie("session", CANARY)
    headers = {"User-Agent": CANARY, "Authorization": CANARY, "Referer": f"http://x/{CANARY}"}
    for path in (f"/failing/{CANARY}", f"/{CANARY}", f"/event/a?{CANARY}={CANARY}", "/large"):
        client.post(path, data={CANARY: CANARY}, headers=headers)
        client.get(path, headers=headers)
    assert CANARY not in str(read())


# The form of the lines


def test_libraries_speak_in_the_same_form(app: Flask, read: Read) -> None:
    logging.getLogger("sqlalchemy.pool").warning("a connection of %s\n2026 is gone", "mine")
    app.logger.warning("from Flask")
    with contextlib.suppress(Warning):
        warnings.warn("an old way", DeprecationWarning, stacklevel=1)
    logging.getLogger("py.warnings").warning("an old way")
    events = read()
    assert [event["event"] for event in events] == [
        "a connection of mine 2026 is gone",
        "from Flask",
        "an old way",
    ]
    assert {event["level"] for event in events} == {"warning"}
    assert all(re.fullmatch(MOMENT, event["timestamp"]) for event in events)


def test_the_development_server_writes_no_addresses(app: Flask, read: Read) -> None:
    logging.getLogger("werkzeug").info(f"GET /{CANARY}")
    assert read() == []


def test_people_read_a_line_without_colours_unless_at_a_terminal(
    make_app: MakeApp, capsys: pytest.CaptureFixture[str]
) -> None:
    make_app()
    log.warning("forbidden", name='two\nlines "quoted"')
    (line,) = capsys.readouterr().err.splitlines()
    assert re.fullmatch(rf"{MOMENT} \[warning *\] forbidden +name=.two\\nlines \"quoted\".", line)
    assert "\x1b" not in line


def test_a_terminal_shows_colours(
    make_app: MakeApp, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    make_app()
    log.warning("forbidden")
    assert "\x1b[" in capsys.readouterr().err


def test_people_read_a_traceback_below_its_line(
    make_app: MakeApp, capsys: pytest.CaptureFixture[str]
) -> None:
    app = make_app(TESTING=False)
    app.add_url_rule("/failing", view_func=public(lambda: [1 // 0]), endpoint="failing")
    app.test_client().get("/failing")
    first, *below = capsys.readouterr().err.splitlines()
    assert "fault" in first
    assert below[-1].startswith("ZeroDivisionError")


def test_a_second_application_does_not_double_the_lines(make_app: MakeApp, read: Read) -> None:
    for _ in range(3):
        make_app(BOOKSHELF_ENV="production")
    log.info("once")
    assert len(read()) == 1


def test_an_event_outside_of_a_request_has_no_request(app: Flask, read: Read) -> None:
    log.info("started")
    assert read()[0].keys() == {"event", "level", "timestamp"}
    with app.test_request_context("/event/a"):
        assert request.endpoint == "event"
