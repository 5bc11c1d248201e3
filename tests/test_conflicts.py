"""Two people at one record: both versions are shown, and nothing that was typed is lost."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from book_form import HOBBIT
from catalogue import (
    a_book,  # noqa: F401  # the fixture `book`
    an_author,  # noqa: F401  # the fixture `author`
    authored,
    everything,
    mine,
)
from conftest import Place, ask
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

only_postgresql = pytest.mark.parametrize("place", ["postgresql", "pgbouncer"], indirect=True)


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
