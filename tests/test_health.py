"""What a supervisor and a load balancer are told, whatever state the database is in."""

import contextlib
import socket
import sqlite3
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from alembic import command
from conftest import Place, ask, migrating
from flask import Flask
from flask.testing import FlaskClient
from house import stranger
from sqlalchemy import event, make_url
from werkzeug.test import TestResponse

from bookshelf.core.db import db
from bookshelf.health import readiness
from bookshelf.schema import revisions

MakeApp = Callable[..., Flask]
READY, NOT_READY = (200, "ready"), (503, "not ready")


def said(answer: TestResponse) -> tuple[int, str]:
    """The status and the words of an answer that must carry no session and no detail."""
    assert answer.mimetype == "text/plain"
    assert "Set-Cookie" not in answer.headers
    return answer.status_code, answer.text


@pytest.fixture
def silent() -> Iterator[int]:
    """The port of a server that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        yield port


def test_all_is_well(client: FlaskClient) -> None:
    assert said(client.get("/livez")) == (200, "ok")
    assert said(client.get("/readyz")) == READY
    assert client.head("/livez").status_code == client.head("/readyz").status_code == 200


def test_living_asks_the_database_nothing(place: Place, make_app: MakeApp, tmp_path: Path) -> None:
    app = make_app(SQLALCHEMY_DATABASE_URI=f"sqlite:///{tmp_path}/gone/bookshelf.db", TESTING=False)
    assert said(stranger(app).get("/livez")) == (200, "ok")


def test_readiness_takes_no_connection_from_those_who_work(make_app: MakeApp) -> None:
    app, taken = make_app(), list[object]()
    client = app.test_client()
    client.get("/")
    with app.app_context():
        event.listen(db.engine, "checkout", lambda *args: taken.append(args))
    assert said(client.get("/readyz")) == READY
    assert taken == []


@pytest.mark.parametrize("revision", ["base", "0001", "0002"])
def test_a_database_that_lacks_a_revision_is_not_ready(empty_place: Place, revision: str) -> None:
    if revision != "base":
        with migrating(empty_place) as config:
            command.upgrade(config, revision)
    client = stranger(empty_place.app())
    assert said(client.get("/readyz")) == NOT_READY
    assert said(client.get("/livez")) == (200, "ok")


def test_a_database_that_becomes_ready_is_so_at_once(empty_place: Place) -> None:
    client = stranger(empty_place.app())
    assert said(client.get("/readyz")) == NOT_READY
    with migrating(empty_place) as config:
        command.upgrade(config, "head")
    assert said(client.get("/readyz")) == READY
    ask(empty_place, "UPDATE alembic_version SET version_num = '0099'")
    assert said(client.get("/readyz")) == READY


def test_a_database_that_is_away_is_not_ready_within_three_seconds(
    place: Place, make_app: MakeApp, silent: int, tmp_path: Path
) -> None:
    if place.kind == "sqlite":
        urls = [f"sqlite:///{tmp_path}/gone/bookshelf.db"]
    else:
        url = make_url(place.settings()["SQLALCHEMY_DATABASE_URI"])
        urls = [url.set(port=n).render_as_string(hide_password=False) for n in (1, silent)]
        # A patience of its own does not go before ours.
        urls.append(f"{urls[-1]}?connect_timeout=4")
    for away in urls:
        app = make_app(SQLALCHEMY_DATABASE_URI=away, TESTING=False)
        began = time.monotonic()
        answer = stranger(app).get("/readyz")
        assert time.monotonic() - began < 3
        assert said(answer) == NOT_READY


@pytest.mark.parametrize("place", ["sqlite"], indirect=True)
def test_a_file_that_is_no_database_is_not_ready(make_app: MakeApp, tmp_path: Path) -> None:
    (tmp_path / "diary.db").write_text("Dear diary, today I learned SQL.\n" * 99)
    app = make_app(SQLALCHEMY_DATABASE_URI=f"sqlite:///{tmp_path}/diary.db", TESTING=False)
    assert said(stranger(app).get("/readyz")) == NOT_READY


def test_a_statement_that_waits_is_not_ready_and_waits_alone(
    make_app: MakeApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[float] = []

    def wait(connection: object) -> bool:
        asked.append(time.monotonic())
        time.sleep(1.5 if len(asked) == 1 else 0)
        return False

    monkeypatch.setattr(readiness, "PATIENCE_S", 0.4)
    monkeypatch.setattr(revisions, "is_behind", wait)
    client = stranger(make_app())
    for _ in range(3):
        began = time.monotonic()
        assert said(client.get("/readyz")) == NOT_READY
        assert time.monotonic() - began < 1
    assert len(asked) == 1
    monkeypatch.setattr(readiness, "PATIENCE_S", 2.5)
    assert said(client.get("/readyz")) == READY
    assert len(asked) == 2  # those who had gone away are not asked for any more


def test_an_unknown_revision_beside_an_older_one_is_not_ready(empty_place: Place) -> None:
    """It comes from another branch, which does not bring what the code needs."""
    with migrating(empty_place) as config:
        command.upgrade(config, "head")
    ask(empty_place, "UPDATE alembic_version SET version_num = '0003'")
    ask(empty_place, "INSERT INTO alembic_version VALUES ('0099')")
    assert said(stranger(empty_place.app()).get("/readyz")) == NOT_READY


@pytest.mark.parametrize("place", ["sqlite"], indirect=True)
def test_who_writes_keeps_nobody_from_being_ready(place: Place) -> None:
    client = stranger(place.app())
    with contextlib.closing(sqlite3.connect(str(make_url(place.serving).database))) as writer:
        writer.execute("BEGIN IMMEDIATE")
        assert said(client.get("/readyz")) == READY


def test_both_are_answered_while_the_pages_wait_for_a_migration(empty_place: Place) -> None:
    client = stranger(empty_place.app())
    assert client.get("/").status_code == 503
    assert said(client.get("/livez")) == (200, "ok")
    assert said(client.get("/readyz")) == NOT_READY
