"""Many who save at once: none is lost, and who would wait too long is told so."""

import random
import re
import sqlite3
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import Any

import psycopg2
import pytest
from conftest import Place, ask
from flask import Flask
from house import HousekeepingClient as Client
from house import error_at, form_of, text_of
from sqlalchemy import Engine, event, make_url, text
from sqlalchemy.exc import OperationalError

from bookshelf.authors.models import Author
from bookshelf.authors.services import create_author
from bookshelf.books.models import Book
from bookshelf.books.services import create_book
from bookshelf.core.connections import reads_only
from bookshelf.core.db import db

WAITS = """SELECT FROM pg_stat_activity
    WHERE wait_event_type = 'Lock' AND datname = current_database()"""
only_postgresql = pytest.mark.parametrize("place", ["postgresql", "pgbouncer"], indirect=True)
only_sqlite = pytest.mark.parametrize("place", ["sqlite"], indirect=True)


@pytest.fixture
def author(app: Flask) -> Author:
    return create_author(name="Ann Lee")


@pytest.fixture
def book(author: Author) -> Book:
    return create_book(title="A book", author=author.id)


def at_once(work: Callable[[int], list[int]], threads: int = 8) -> list[int]:
    """What the threads gathered, which all begin at the same moment."""
    db.session.remove()
    start = threading.Barrier(threads)

    def begin(number: int) -> list[int]:
        start.wait()
        return work(number)

    with ThreadPoolExecutor(threads) as pool:
        return [item for items in pool.map(begin, range(threads)) for item in items]


def impatient(app: Flask, patience_ms: int) -> Engine:
    """The engine of an application made for one test, which waits so long for who writes."""
    with app.app_context():
        engine = db.engine
    limit = f"PRAGMA busy_timeout = {patience_ms}"
    event.listen(engine, "connect", lambda used, _: used.execute(limit))
    return engine


def test_no_edit_is_lost_among_eight_editors(app: Flask, author: Author) -> None:
    edit = f"/authors/{author.id}/edit"
    author.bio = "0"
    db.session.commit()

    def edit_twenty_times(number: int) -> list[int]:
        client, answers = Client(app, app.response_class), list[int]()
        for _ in range(20):
            html = client.get(edit).text
            seen = form_of(html)["bio"]
            while True:
                typed = form_of(html) | {"bio": str(int(seen) + 1)}
                answer = client.post(edit, data=typed)
                answers.append(answer.status_code)
                if answer.status_code == 302:
                    break
                time.sleep(random.random() / 8)  # as people do not all answer at once
                html = answer.text
                seen = re.findall(r"Biography(?: differs)? (\d+)", text_of(html))[0]
        return answers

    answers = at_once(edit_twenty_times)
    assert set(answers) <= {302, 409}
    saved = db.session.get_one(Author, 1)
    assert (saved.bio, saved.version) == ("160", 162)


def test_one_of_many_wins_an_isbn(app: Flask, author: Author) -> None:
    db.session.commit()

    def add(number: int) -> list[int]:
        client = Client(app, app.response_class)
        answers = []
        for digits in ("9780261103283", "9780261103573", "9780618002221"):
            typed = {"title": f"Book {number}", "author": "Ann Lee", "isbn": digits}
            page = client.submit("/books/new", **typed)
            answers.append(page.status_code)
            if page.status_code != 302:
                assert error_at(page.text, "isbn").endswith("by Ann Lee has this ISBN already.")
                assert form_of(page.text)["title"] == f"Book {number}"
        return answers

    assert sorted(at_once(add)) == [302] * 3 + [422] * 21
    assert db.session.query(Book).count() == 3


def test_eight_writers_at_once_all_succeed(app: Flask) -> None:
    def add(number: int) -> list[int]:
        client = Client(app, app.response_class)
        return [
            client.submit("/authors/new", name=f"Writer {number} {turn}").status_code
            for turn in range(10)
        ]

    assert at_once(add) == [302] * 80
    assert db.session.query(Author).count() == 80


@only_sqlite
def test_readers_do_not_wait_for_a_writer(place: Place, client: Client, author: Author) -> None:
    urls = ("/", "/authors/", f"/authors/{author.id}/edit", "/api/authors")
    client.get("/authors/")
    path = str(make_url(place.serving).database)
    with closing(sqlite3.connect(path, isolation_level=None)) as writer:
        writer.execute("BEGIN IMMEDIATE")
        writer.execute("UPDATE authors SET name = 'Half done'")
        began = time.monotonic()
        for url in urls:
            assert "Half done" not in client.get(url).text
        assert time.monotonic() - began < 4  # each would wait for 5 s
        writer.execute("ROLLBACK")


@only_sqlite
def test_a_writer_waits_for_another(place: Place, client: Client) -> None:
    drawn = form_of(client.get("/authors/new").text)
    path = str(make_url(place.serving).database)
    with closing(sqlite3.connect(path, isolation_level=None, check_same_thread=False)) as writer:
        writer.execute("BEGIN IMMEDIATE")
        done = threading.Timer(0.3, writer.execute, ["ROLLBACK"])
        done.start()
        answer = client.post("/authors/new", data=drawn | {"name": "Ann Lee"})
        done.join()
    assert answer.status_code == 302


@only_sqlite
def test_who_came_first_saves_first(app: Flask, place: Place) -> None:
    came, saved = list[int](), list[int]()

    def save(number: int) -> None:
        came.append(number)
        with engine.begin():
            saved.append(number)

    engine, path = db.engine, str(make_url(place.serving).database)
    with closing(sqlite3.connect(path, isolation_level=None)) as writer:
        writer.execute("BEGIN IMMEDIATE")
        with ThreadPoolExecutor(5) as pool:
            for number in range(5):
                pool.submit(save, number)
                time.sleep(0.05)
            writer.execute("ROLLBACK")
    assert came == saved == [0, 1, 2, 3, 4]


@only_sqlite
def test_those_who_queue_give_up_together(
    app: Flask, place: Place, make_app: Callable[[], Flask]
) -> None:
    def give_up(number: int) -> list[int]:
        with pytest.raises(OperationalError, match="database is locked"), engine.begin():
            pass
        with engine.connect() as connection:  # as long as before, for what else it may wait for
            reads_only.set(True)
            return [connection.exec_driver_sql("PRAGMA busy_timeout").scalar_one()]

    engine, path = impatient(make_app(), 400), str(make_url(place.serving).database)
    with closing(sqlite3.connect(path, isolation_level=None)) as writer:
        writer.execute("BEGIN IMMEDIATE")
        began = time.monotonic()
        assert at_once(give_up) == [400] * 8
        assert time.monotonic() - began < 2.4  # one after the other they would need 3.2 s


@only_sqlite
def test_only_requests_that_may_write_ask_for_the_lock(client: Client, book: Book) -> None:
    began: list[str] = []

    def note(connection: Any, cursor: Any, statement: str, *rest: Any) -> None:
        if statement.startswith("BEGIN"):
            began.append(statement)

    author = f"/authors/{book.author_id}"
    client.get(author)
    event.listen(db.engine, "before_cursor_execute", note)
    try:
        for url in ("/", "/authors/", author, f"{author}/edit", f"{author}/delete", "/api/books"):
            client.get(url)
            client.head(url)
        assert set(began) == {"BEGIN"}
        began.clear()
        client.post(f"{author}/edit", data={"csrf_token": "x"})
        client.get(author)
        assert began == ["BEGIN IMMEDIATE", "BEGIN"]
    finally:
        event.remove(db.engine, "before_cursor_execute", note)


@only_sqlite
def test_a_served_connection_has_its_pragmas(app: Flask) -> None:
    expected = {"journal_mode": "wal", "foreign_keys": 1, "synchronous": 2, "busy_timeout": 5000}
    for pragma, value in expected.items():
        assert db.session.scalar(text(f"PRAGMA {pragma}")) == value


@only_postgresql
def test_of_two_who_wait_for_each_other_one_is_asked_to_try_again(
    client: Client, author: Author, book: Book, place: Place
) -> None:
    """Somebody renames an author while a title of theirs is changed: each needs the other's row."""
    db.session.commit()
    path = f"/authors/{author.id}/edit"
    form = form_of(client.get(path).text) | {"name": "Anna Lee"}
    with closing(psycopg2.connect(place.migrating)) as other:
        cursor = other.cursor()
        cursor.execute("UPDATE books SET year = 1937")

        def go_on() -> None:
            while not ask(place, WAITS):
                time.sleep(0.02)
            cursor.execute("UPDATE books SET sort_key = 'other'")

        going_on = threading.Thread(target=go_on)
        going_on.start()
        answer = client.post(path, data=form)  # the first who waited is told, after a second
        going_on.join()
        other.commit()
    assert (answer.status_code, "Others are saving just now." in answer.text) == (503, True)
    assert client.post(path, data=form_of(answer.text)).status_code == 302
    both = "SELECT name, authors.sort_key, author_key, books.sort_key, year FROM books, authors"
    assert ask(place, both) == [("Anna Lee", "lee anna", "lee anna", "other", 1937)]


@only_sqlite
def test_whoever_waits_too_long_for_others_who_save_is_asked_to_try_again(
    place: Place, make_app: Callable[[], Flask]
) -> None:
    impatient(app := make_app(), 1)
    client = Client(app, app.response_class)
    form = form_of(client.get("/authors/new").text) | {"name": "Ann Lee"}
    with closing(sqlite3.connect(str(make_url(place.migrating).database))) as other:
        other.execute("BEGIN IMMEDIATE")
        answer = client.post("/authors/new", data=form)
    assert (answer.status_code, "Others are saving just now." in answer.text) == (503, True)
    assert client.post("/authors/new", data=form_of(answer.text)).status_code == 302
