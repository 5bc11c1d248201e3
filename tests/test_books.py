"""The pages of books: how one is added, changed, deleted and found, and what a link fills in."""

import pytest
from book_form import NEW, TYPED, catalogue, only_book
from house import HousekeepingClient as Client
from house import form_of, link_to, rows_of, text_of

from bookshelf.authors.services import create_author
from bookshelf.books.models import Book
from bookshelf.books.services import create_book
from bookshelf.core.db import db


def test_an_added_book_is_shown_with_a_message(client: Client) -> None:
    author = create_author(name="Ann Lee")
    shown = client.get(client.submit(NEW, **TYPED).location).text
    said = text_of(shown)
    for value in ("“A book” was added.", "1954", "Allen & Unwin", "English", "978-0-261-10357-3"):
        assert value in said
    assert link_to(shown, "Ann Lee") == f"/authors/{author.id}"


def test_save_and_add_another_keeps_author_publisher_and_language(
    client: Client,
) -> None:
    ann = [create_author(name="Ann Lee") for _ in range(2)][1]
    answer = client.submit(NEW, **TYPED, author_choice=str(ann.id), another="1")
    page = client.get(answer.location).text
    assert "“A book” was added." in text_of(page)
    kept = {name: form_of(page)[name] for name in TYPED}
    assert kept == TYPED | {"title": "", "isbn": "", "year": ""}
    client.post(NEW, data=form_of(page) | {"title": "Another"})
    db.session.expire_all()
    assert [book.author_id for book in db.session.scalars(db.select(Book))] == [ann.id] * 2


def test_a_link_from_an_author_fills_the_author_in(client: Client) -> None:
    authors = [create_author(name="Ann Lee") for _ in range(2)]
    page = client.get(f"{NEW}?author_id={authors[1].id}&language=yor&publisher=Faber").text
    filled = {"author": "Lee, Ann", "language": "Yoruba", "publisher": "Faber", "title": ""}
    assert form_of(page).items() >= filled.items()
    client.post(NEW, data=form_of(page) | {"title": "A book"})
    assert only_book().author_id == authors[1].id


@pytest.mark.parametrize(
    "query",
    [
        *("author_id=7", "author_id=x", "author_id=-1", "author_id=", "author_id=%00"),
        *("author_id=2147483648", "author_id=99999999999999999999", "author_id=１"),
        *("language=klingonese", "language=EN", "language=%ff", "language=%00"),
    ],
)
def test_nonsense_in_the_link_leaves_the_form_empty(client: Client, query: str) -> None:
    page = client.get(f"{NEW}?{query}")
    assert page.status_code == 200
    assert form_of(page.text)["author"] == form_of(page.text)["language"] == ""


def test_an_edited_book_is_shown_with_a_message(client: Client) -> None:
    create_author(name="Ann Lee")
    client.submit(NEW, **TYPED)
    edit = f"/books/{only_book().id}/edit"
    assert form_of(client.get(edit).text).items() >= TYPED.items()
    answer = client.submit(edit, title="Another", year="", isbn="", publisher="", language="")
    assert "“Another” was saved." in text_of(client.get(answer.location).text)
    book = only_book()
    assert (book.year, book.isbn, book.publisher, book.language) == (None,) * 4


def test_a_book_is_deleted_after_a_question(client: Client) -> None:
    book = create_book(title="A book", author=create_author(name="Ann Lee").id)
    shown = f"/books/{book.id}"
    url = f"{shown}/delete"
    assert "Delete A book?" in text_of(client.get(url).text)
    assert catalogue() == (1, 1)
    assert "“A book” was deleted." in text_of(client.get(client.submit(url).location).text)
    assert catalogue() == (1, 0)
    assert client.get(shown).status_code == 404


@pytest.mark.parametrize("what", ["", "/edit", "/delete"])
def test_a_book_that_is_not_there_is_not_found(client: Client, what: str) -> None:
    assert client.get(f"/books/1{what}").status_code == 404


@pytest.mark.parametrize(("typed", "found"), [("two tow", 1), ("TOWERS the", 1), ("misera", 1)])
def test_a_book_is_found_by_any_part_of_the_title(client: Client, typed: str, found: int) -> None:
    author = create_author(name="Ann Lee").id
    create_book(title="The Two Towers", author=author, language="eng")
    create_book(title="Les Misérables", author=author, language="fra")
    page = client.get("/books/", query_string={"q": typed}).text
    assert len(rows_of(page)) == found


def test_titles_stand_under_their_first_word_that_counts(client: Client) -> None:
    author = create_author(name="Ann Lee").id
    for title, language in [("The Two", "eng"), ("Les Misérables", "fra"), ("Zoo", None)]:
        create_book(title=title, author=author, language=language)
    assert rows_of(client.get("/books/").text) == ["Les Misérables", "The Two", "Zoo"]
