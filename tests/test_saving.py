"""Saving: two people at one record, forms without a token, times and versions."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from io import BytesIO
from typing import Any

import pytest
from conftest import Place, ask
from flask import Flask
from house import HousekeepingClient as Client
from house import error_at, form_of, rows_of, text_of
from sqlalchemy import event

from bookshelf.authors import services as author_services
from bookshelf.authors.models import Author
from bookshelf.authors.services import create_author, update_author
from bookshelf.books import services as book_services
from bookshelf.books.models import Book
from bookshelf.books.services import create_book, update_book
from bookshelf.core.db import db

HOBBIT = "9780261103283"
only_postgresql = pytest.mark.parametrize("place", ["postgresql", "pgbouncer"], indirect=True)
only_sqlite = pytest.mark.parametrize("place", ["sqlite"], indirect=True)


@pytest.fixture
def author(app: Flask) -> Author:
    return create_author(name="Ann Lee", bio="First.", country="GB")


@pytest.fixture
def book(author: Author) -> Book:
    return create_book(title="A book", author=author.id, isbn=HOBBIT)


def everything() -> list[tuple[Any, ...]]:
    """All that the catalogue holds."""
    db.session.commit()
    columns = (*Author.__table__.columns, *Book.__table__.columns)
    return [tuple(row) for row in db.session.execute(db.select(*columns).outerjoin(Author.books))]


def mine(kind: str, name: str = "Mine") -> dict[str, str]:
    """What a record of that kind is called."""
    return {"title" if kind == "books" else "name": name}


def authored(kind: str, author: str) -> dict[str, str]:
    """Who wrote it, if it is a book."""
    return {"author": author} if kind == "books" else {}


# Two people at one record


def test_a_stale_author_is_refused_with_both_versions(client: Client, author: Author) -> None:
    edit = f"/authors/{author.id}/edit"
    drawn = form_of(client.get(edit).text)
    update_author(author, version=1, name="Anna Lee", bio="Theirs.", country="GB")
    page = client.post(edit, data=drawn | {"bio": "Mine."})
    assert page.status_code == 409
    said = text_of(page.text)
    assert "Somebody else saved this record while you were editing it" in said
    assert "Name differs Anna Lee Ann Lee" in said
    assert "Country United Kingdom United Kingdom" in said
    assert "Biography differs Theirs. Mine." in said
    assert form_of(page.text)["bio"] == "Mine."
    assert author.bio == "Theirs."
    assert client.post(edit, data=form_of(page.text)).status_code == 302
    db.session.refresh(author)
    assert (author.name, author.bio, author.version) == ("Ann Lee", "Mine.", 3)


def test_a_stale_book_is_refused_with_both_versions(client: Client, book: Book) -> None:
    edit = f"/books/{book.id}/edit"
    drawn = form_of(client.get(edit).text)
    other = create_author(name="Bo Li")
    update_book(book, version=1, title="Theirs", author=other.id, language="yor")
    page = client.post(edit, data=drawn | {"title": "Mine"})
    assert page.status_code == 409
    said = text_of(page.text)
    assert "Title differs Theirs Mine" in said
    assert "Author differs Li, Bo Lee, Ann" in said
    assert "Language differs Yoruba –" in said
    assert client.post(edit, data=form_of(page.text)).status_code == 302
    db.session.refresh(book)
    assert (book.title, book.author.name, book.isbn) == ("Mine", "Ann Lee", HOBBIT)


def test_two_authors_of_one_name_are_told_apart_where_versions_differ(
    client: Client, book: Book
) -> None:
    other = create_author(name="Ann Lee", country="FR")
    edit = f"/books/{book.id}/edit"
    drawn = form_of(client.get(edit).text)
    update_book(book, version=1, title="A book", author=other.id, isbn=HOBBIT)
    page = client.post(edit, data=drawn)
    theirs, mine = "Lee, Ann (France, 1 book)", "Lee, Ann (United Kingdom, 0 books)"
    assert f"Author differs {theirs} {mine}" in text_of(page.text)


def test_texts_that_mean_the_same_do_not_differ(client: Client, book: Book) -> None:
    edit = f"/books/{book.id}/edit"
    drawn = form_of(client.get(edit).text)
    update_book(book, version=1, title="Theirs", author=book.author_id, isbn=HOBBIT, language="eng")
    same = {"author": "ann lee", "isbn": "0-261-10328-8", "language": "en"}
    said = text_of(client.post(edit, data=drawn | same).text)
    assert said.count(" differs ") == 1
    assert "Title differs Theirs A book" in said


def test_a_second_save_in_between_makes_the_answer_stale_again(
    client: Client, author: Author
) -> None:
    edit = f"/authors/{author.id}/edit"
    drawn = form_of(client.get(edit).text)
    update_author(author, version=1, name="Second")
    page = client.post(edit, data=drawn | {"name": "Mine"})
    update_author(author, version=2, name="Third")
    page = client.post(edit, data=form_of(page.text))
    assert page.status_code == 409
    assert "Name differs Third Mine" in text_of(page.text)


@pytest.mark.parametrize("kind", ["authors", "books"])
@pytest.mark.parametrize("action", ["edit", "new"])
def test_a_record_that_is_deleted_right_after_its_save_was_saved_all_the_same(
    client: Client, place: Place, author: Author, kind: str, action: str
) -> None:
    create_book(title="A book", author=create_author(name="Bo Li").id)
    address = f"/{kind}/1/edit" if action == "edit" else f"/{kind}/new"
    form = form_of(client.get(address).text) | mine(kind) | authored(kind, "Bo Li")
    commits = iter(["the test's", "the view's"])

    def delete(session: object) -> None:
        if next(commits, None) == "the view's":
            ask(
                place, f"DELETE FROM {kind} WHERE {'title' if kind == 'books' else 'name'} = 'Mine'"
            )

    event.listen(db.session, "after_commit", delete)
    try:
        assert client.post(address, data=form).status_code == 302
    finally:
        event.remove(db.session, "after_commit", delete)
    shown = client.get(f"/{kind}/")
    assert "“Mine” was" in shown.text or "Mine was" in shown.text
    assert rows_of(shown.text) != ["Mine"]


@pytest.mark.parametrize("kind", ["authors", "books"])
def test_the_longest_name_fits_the_cookie_that_carries_the_message(
    client: Client, author: Author, kind: str
) -> None:
    name = "百" * (300 if kind == "authors" else 1000)
    added = client.submit(f"/{kind}/new", **mine(kind, name), **authored(kind, "Ann Lee"))
    assert added.status_code == 302
    assert max(len(cookie) for cookie in added.headers.getlist("Set-Cookie")) < 4000
    assert "百…" in client.get("/").text


def test_a_stale_page_marks_no_field_as_wrong(client: Client, author: Author) -> None:
    page = client.submit(f"/authors/{author.id}/edit", version="7")
    assert page.status_code == 409
    assert "aria-invalid" not in page.text


@pytest.mark.parametrize(
    "version", ["", "0", "2", "-1", "1.0", "x", "１", "\x00", "9" * 30, "9" * 5000, " 1"]
)
@pytest.mark.parametrize("kind", ["authors", "books"])
def test_a_garbled_version_is_stale(client: Client, book: Book, kind: str, version: str) -> None:
    before = everything()
    page = client.submit(f"/{kind}/{book.id}/edit", **mine(kind), version=version)
    assert page.status_code == 409
    assert everything() == before


@pytest.mark.parametrize("kind", ["authors", "books"])
def test_a_missing_version_is_never_the_right_one(client: Client, book: Book, kind: str) -> None:
    before = everything()
    edit = f"/{kind}/{book.id}/edit"
    drawn = form_of(client.get(edit).text) | mine(kind)
    del drawn["version"]
    assert client.post(edit, data=drawn).status_code == 409
    assert everything() == before


def test_an_author_who_was_deleted_meanwhile_can_be_added_anew(
    client: Client, author: Author
) -> None:
    edit = f"/authors/{author.id}/edit"
    drawn = form_of(client.get(edit).text)
    author_services.delete_author(author)
    page = client.post(edit, data=drawn | {"bio": "Mine.\nAll of it."})
    assert page.status_code == 410
    assert "This record was deleted while you were editing it." in text_of(page.text)
    assert form_of(page.text)["bio"] == "Mine.\nAll of it."
    answer = client.post("/authors/new", data=form_of(page.text))
    assert "Ann Lee was added." in text_of(client.get(answer.location).text)


@pytest.mark.parametrize("kind", ["authors", "books"])
def test_a_record_that_never_was_is_not_found_by_any_method_that_reads(
    client: Client, kind: str
) -> None:
    for method in ("GET", "HEAD"):
        assert client.open(f"/{kind}/99999/edit", method=method).status_code == 404


def test_a_book_that_was_deleted_meanwhile_can_be_added_anew(client: Client, book: Book) -> None:
    edit = f"/books/{book.id}/edit"
    drawn = form_of(client.get(edit).text)
    book_services.delete_book(book)
    page = client.post(edit, data=drawn | {"title": "Mine"})
    assert page.status_code == 410
    assert form_of(page.text).items() >= {"title": "Mine", "author": "Lee, Ann"}.items()
    assert client.post("/books/new", data=form_of(page.text)).status_code == 302


@contextmanager
def just_before(
    monkeypatch: pytest.MonkeyPatch, place: Place, service: str, statement: str
) -> Iterator[None]:
    """Somebody else runs a statement once the view has loaded its record, before it saves."""
    module: Any = author_services if service.endswith("author") else book_services
    original: Callable[..., Any] = getattr(module, service)

    def overtaken(*args: Any, **kwargs: Any) -> Any:
        ask(place, statement)
        return original(*args, **kwargs)

    with monkeypatch.context() as patch:
        patch.setattr(module, service, overtaken)
        yield


# On SQLite nobody can come between: a request that may write holds the lock from the start.


@only_postgresql
@pytest.mark.parametrize(("kind", "service"), [("authors", "author"), ("books", "book")])
def test_a_save_in_the_last_moment_is_noticed(
    client: Client,
    place: Place,
    book: Book,
    monkeypatch: pytest.MonkeyPatch,
    kind: str,
    service: str,
) -> None:
    meanwhile = f"UPDATE {kind} SET version = version + 1"
    with just_before(monkeypatch, place, f"update_{service}", meanwhile):
        page = client.submit(f"/{kind}/{book.id}/edit", **mine(kind))
    assert page.status_code == 409
    assert client.post(f"/{kind}/{book.id}/edit", data=form_of(page.text)).status_code == 302


@only_postgresql
@pytest.mark.parametrize(("kind", "service"), [("authors", "author"), ("books", "book")])
def test_a_deletion_in_the_last_moment_loses_nothing_typed(
    client: Client,
    place: Place,
    book: Book,
    monkeypatch: pytest.MonkeyPatch,
    kind: str,
    service: str,
) -> None:
    row_id = create_author(name="Bo Li").id if kind == "authors" else book.id
    meanwhile = f"DELETE FROM {kind} WHERE id = {row_id}"
    with just_before(monkeypatch, place, f"update_{service}", meanwhile):
        page = client.submit(f"/{kind}/{row_id}/edit", **mine(kind))
    assert page.status_code in (409, 410)
    assert "Somebody else saved" not in page.text
    assert form_of(page.text)["name" if kind == "authors" else "title"] == "Mine"


@only_postgresql
def test_deleting_what_is_deleted_at_the_same_moment_is_no_fault(
    client: Client, place: Place, author: Author, monkeypatch: pytest.MonkeyPatch
) -> None:
    with just_before(monkeypatch, place, "delete_author", "DELETE FROM authors"):
        page = client.submit(f"/authors/{author.id}/delete")
    assert page.status_code in (302, 404, 409, 410)


@only_postgresql
def test_deleting_what_was_saved_at_the_same_moment_says_so(
    client: Client, place: Place, author: Author, monkeypatch: pytest.MonkeyPatch
) -> None:
    meanwhile = "UPDATE authors SET version = version + 1"
    with just_before(monkeypatch, place, "delete_author", meanwhile):
        page = client.submit(f"/authors/{author.id}/delete")
    assert page.status_code == 409
    assert "Somebody else saved this record" in text_of(page.text)


@only_postgresql
def test_an_author_deleted_in_the_last_moment_is_a_message_at_the_field(
    client: Client, place: Place, author: Author, monkeypatch: pytest.MonkeyPatch
) -> None:
    with just_before(monkeypatch, place, "create_book", "DELETE FROM authors"):
        page = client.submit("/books/new", title="Mine", author="Ann Lee")
    assert page.status_code == 422
    assert error_at(page.text, "author") == "This author has just been deleted."
    assert form_of(page.text)["title"] == "Mine"


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
