"""Saving and deleting: forms without a token, bodies of other kinds, times, versions and ids."""

import time
from datetime import UTC, datetime, timedelta
from io import BytesIO
from typing import Any

import pytest
from catalogue import (
    a_book,  # noqa: F401  # the fixture `book`
    an_author,  # noqa: F401  # the fixture `author`
    authored,
    everything,
    mine,
)
from conftest import Place, ask
from flask import Flask
from house import HousekeepingClient as Client
from house import form_of, text_of

from bookshelf.authors.models import Author
from bookshelf.books.models import Book
from bookshelf.books.services import create_book
from bookshelf.core.db import db

# The message


@pytest.mark.parametrize("kind", ["authors", "books"])
def test_the_longest_name_fits_the_cookie_that_carries_the_message(
    client: Client, author: Author, kind: str
) -> None:
    name = "百" * (300 if kind == "authors" else 1000)
    added = client.submit(f"/{kind}/new", **mine(kind, name), **authored(kind, "Ann Lee"))
    assert added.status_code == 302
    assert max(len(cookie) for cookie in added.headers.getlist("Set-Cookie")) < 4000
    assert "百…" in client.get("/").text


# Deleting an author who has books


def test_an_author_with_books_is_shown_with_them_and_stays(client: Client, book: Book) -> None:
    page = client.get(f"/authors/{book.author_id}/delete")
    assert "Ann Lee still has 1 book. Move or delete them first." in text_of(page.text)
    assert f'href="/books/{book.id}"' in page.text
    assert ">Delete</button>" not in page.text


def test_a_book_that_arrives_after_the_question_keeps_its_author(
    client: Client, author: Author
) -> None:
    url = f"/authors/{author.id}/delete"
    asked = form_of(client.get(url).text)
    book = create_book(title="A new book", author=author.id)
    page = client.post(url, data=asked)
    assert page.status_code == 422
    assert "Ann Lee still has 1 book. Move or delete them first." in text_of(page.text)
    assert f'href="/books/{book.id}"' in page.text
    assert page.text.count("Move or delete them first.") == 1
    for word in ("FOREIGN", "constraint", "Integrity", "fk_"):
        assert word not in page.text
    db.session.rollback()
    assert db.session.get(Author, author.id)


# Tokens


def test_the_token_of_another_session_is_refused_and_the_form_drawn_again(
    app: Flask, client: Client
) -> None:
    stranger = app.test_client()
    token = form_of(stranger.get("/authors/new").text)["csrf_token"]
    client.get("/authors/new")
    typed = {"name": "Ann Lee", "bio": "Long\ntext.", "country": "uk"}
    page = client.post("/authors/new", data=typed | {"csrf_token": token})
    assert page.status_code == 400
    assert "Nothing was saved, as your session had ended." in text_of(page.text)
    assert form_of(page.text).items() >= typed.items()
    assert everything() == []
    assert client.post("/authors/new", data=form_of(page.text)).status_code == 302


@pytest.mark.parametrize("token", [{}, {"csrf_token": ""}, {"csrf_token": "\x00"}])
def test_an_edit_without_its_token_is_drawn_again_and_then_saved(
    client: Client, book: Book, token: dict[str, str]
) -> None:
    edit = f"/books/{book.id}/edit"
    drawn = form_of(client.get(edit).text) | {"title": "Mine"}
    del drawn["csrf_token"]
    page = client.post(edit, data=drawn | token)
    assert page.status_code == 400
    assert form_of(page.text)["title"] == "Mine"
    assert client.post(edit, data=form_of(page.text)).status_code == 302
    db.session.refresh(book)
    assert book.title == "Mine"


def test_a_form_of_a_lost_session_is_saved_at_the_second_try(app: Flask, client: Client) -> None:
    drawn = form_of(client.get("/authors/new").text) | {"name": "Ann Lee"}
    returning = app.test_client()
    page = returning.post("/authors/new", data=drawn)
    assert page.status_code == 400
    assert returning.post("/authors/new", data=form_of(page.text)).status_code == 302


def test_a_deletion_without_a_token_is_asked_again(client: Client, book: Book) -> None:
    url = f"/books/{book.id}/delete"
    page = client.post(url)
    assert page.status_code == 400
    said = "Nothing was deleted, as your session had ended. Press Delete once more."
    assert said in text_of(page.text)
    assert client.post(url, data=form_of(page.text)).status_code == 302


def test_a_token_lives_as_long_as_its_session(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn = form_of(client.get("/authors/new").text) | {"name": "Ann Lee"}
    hours_later = time.time() + 11 * 3600
    monkeypatch.setattr("itsdangerous.timed.time.time", lambda: hours_later)
    assert client.post("/authors/new", data=drawn).status_code == 302


# Bodies that no form of ours sends


@pytest.mark.parametrize(
    "body", ["[1]", "{", '{"name": 5}', '{"name": ["\\ud800"]}', '{"csrf_token": 5}', "null", "7"]
)
@pytest.mark.parametrize("kind", ["authors", "books"])
def test_a_body_of_json_is_a_bad_request(client: Client, kind: str, body: str) -> None:
    page = client.post(f"/{kind}/new", data=body, content_type="application/json")
    assert page.status_code == 400
    assert everything() == []


@pytest.mark.parametrize("name", ["name", "title", "country", "author", "version", "csrf_token"])
@pytest.mark.parametrize("kind", ["authors", "books"])
def test_a_file_in_place_of_text_is_a_bad_request(
    client: Client, book: Book, kind: str, name: str
) -> None:
    before = everything()
    for url in (f"/{kind}/new", f"/{kind}/{book.id}/edit"):
        file = (BytesIO(b"x"), "x.txt")
        assert client.post(url, data={name: file}).status_code == 400
    assert everything() == before


# Times, versions, ids


def test_times_are_aware_in_utc_and_move_with_an_edit(client: Client) -> None:
    before = datetime.now(UTC)
    client.submit("/authors/new", name="Ann Lee")
    client.submit("/books/new", title="A book", author="Ann Lee")
    for model, url in ((Author, "/authors/1/edit"), (Book, "/books/1/edit")):
        row: Any = db.session.get_one(model, 1)
        created, updated = row.created_at, row.updated_at
        assert created.utcoffset() == updated.utcoffset() == timedelta(0)
        assert before <= created <= updated <= datetime.now(UTC)
        assert row.version == 1
        client.submit(url, **mine(url.split("/")[1], "Another"))
        db.session.refresh(row)
        assert row.created_at == created
        assert updated < row.updated_at <= datetime.now(UTC)
        assert row.version == 2


def test_rows_that_others_insert_get_aware_times_too(place: Place, app: Flask) -> None:
    ask(place, "INSERT INTO authors (name, sort_name, sort_key) VALUES ('A', 'A', 'a')")
    row = db.session.scalars(db.select(Author)).one()
    assert abs(datetime.now(UTC) - row.created_at) < timedelta(minutes=1)
    assert (row.created_at.utcoffset(), row.version) == (timedelta(0), 1)


def test_an_edit_that_changes_nothing_is_no_new_version(client: Client, author: Author) -> None:
    assert client.submit(f"/authors/{author.id}/edit").status_code == 302
    db.session.refresh(author)
    assert author.version == 1


def test_the_id_of_a_deleted_record_is_never_used_again(client: Client, book: Book) -> None:
    author_id, book_id = book.author_id, book.id
    client.submit(f"/books/{book_id}/delete")
    client.submit(f"/authors/{author_id}/delete")
    client.submit("/authors/new", name="Bo Li")
    client.submit("/books/new", title="Another", author="Bo Li")
    assert db.session.scalars(db.select(Author.id)).one() > author_id
    assert db.session.scalars(db.select(Book.id)).one() > book_id
