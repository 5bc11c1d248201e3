"""One box over authors and books, and what pickers offer while somebody types."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from conftest import Place
from flask import Flask
from house import HousekeepingClient as Client
from house import link_to, rows_of, stranger, text_of
from noting import made_anew
from sqlalchemy import event

from bookshelf.authors import queries as authors
from bookshelf.authors.models import Author
from bookshelf.authors.services import create_author
from bookshelf.books import queries as books
from bookshelf.books.models import Book
from bookshelf.books.services import create_book
from bookshelf.core.db import db
from bookshelf.core.vocabulary import looked_up
from bookshelf.web.pickers import MOST

# What differs through a pooler, other tests hold.
pytestmark = pytest.mark.parametrize("place", ["sqlite", "postgresql"], indirect=True)

PARTIAL = {"X-Partial": "options"}


@pytest.fixture
def tolkien(client: Client) -> int:
    """An author of three books, whose name is hard to type."""
    author = create_author(name="J. R. R. Tolkien", country="GB")
    for title, isbn in (
        ("The Two Towers", "9780261102361"),
        ("The Fellowship of the Ring", None),
        ("The Hobbit", None),
    ):
        create_book(title=title, author=author.id, isbn=isbn, language="eng")
    return author.id


def found_authors(typed: str) -> list[str]:
    return [author.sort_name for author in authors.best(typed, looked_up(typed, Author), 10)]


def found_books(typed: str) -> list[str]:
    return [book.title for book in books.best(typed, looked_up(typed, Book), 10)]


def test_authors_come_exact_then_prefix_then_word_start_then_inside(app: Flask) -> None:
    for name in ("Zamann, Al", "Bo, Mannix", "Mann, Zoe", "Mann", "Anders, Mann", "Mannheim, Al"):
        create_author(name=name, sort_name=name)
    assert found_authors("mann") == [
        *("Mann", "Mann, Zoe", "Mannheim, Al"),
        *("Anders, Mann", "Bo, Mannix"),
        "Zamann, Al",
    ]


def test_books_come_exact_then_prefix_then_word_start_then_inside(app: Flask) -> None:
    author = create_author(name="Ann Lee").id
    for title in ("The Tower", "Towering", "A Dark Tower", "Eastower", "Tower of Glass"):
        create_book(title=title, author=author)
    assert found_books("the tower")[0] == "The Tower"
    assert found_books("tower") == [
        *("Tower of Glass", "The Tower", "Towering"),
        *("A Dark Tower", "Eastower"),
    ]


@pytest.mark.parametrize(
    "typed", ["tolkien towers", "TOWERS tolk", "two tow jrr", "J.R.R. towers", "tówers the"]
)
def test_author_and_title_are_found_together(tolkien: int, typed: str) -> None:
    assert found_books(typed) == ["The Two Towers"]


@pytest.mark.parametrize("typed", ["jrr tolkien", "tolkien j r r", "J. R. R. Tolkien", "olkie"])
def test_a_name_is_found_however_its_initials_are_written(tolkien: int, typed: str) -> None:
    assert found_authors(typed) == ["Tolkien, J. R. R."]


def test_ten_of_each_are_shown_and_a_link_leads_to_the_rest(client: Client) -> None:
    author = create_author(name="Ann Lee").id
    for number in range(30):
        create_author(name=f"Ann {number:02}")
        create_book(title=f"Annals {number:02}", author=author)
    page = client.get("/search?q=ann").text
    assert link_to(page, "All authors that fit") == "/authors/?q=ann"
    assert link_to(page, "All books that fit") == "/books/?q=ann"
    assert len(re.findall("<mark>", page)) == 20 + 10  # the author of each book fits too


def test_where_all_are_shown_no_link_leads_to_them(client: Client, tolkien: int) -> None:
    page = client.get("/search?q=tolkien").text
    assert "The Two Towers" in text_of(page)
    assert link_to(page, "All authors that fit") is None
    assert link_to(page, "All books that fit") is None


@pytest.fixture
def two_books_are_most(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Of an author's books; the statements that count them are made once."""
    monkeypatch.setattr(authors, "MOST_BOOKS", 2)
    with made_anew(authors._offered, authors._offered_first):
        yield


@pytest.mark.usefixtures("two_books_are_most", "tolkien")
def test_the_books_of_an_author_are_counted_up_to_a_thousand(client: Client) -> None:
    assert "United Kingdom, more than 2 books" in text_of(client.get("/search?q=tolk").text)
    offered = client.get("/books/authors?q=tolk", headers=PARTIAL).text
    assert "United Kingdom, more than 2 books" in text_of(offered)


@pytest.mark.parametrize(
    "typed", ["9780261102361", "978-0-261-10236-1", "0261102362", "ISBN 0-261-10236-2"]
)
def test_an_isbn_leads_to_its_book(client: Client, tolkien: int, typed: str) -> None:
    answer = client.get("/search", query_string={"q": typed})
    assert answer.status_code == 302
    assert "The Two Towers" in client.get(answer.location).text


@pytest.mark.parametrize("typed", ["tolkien towers", "0-261-10236-2", "wers two", "JRR tow"])
def test_lists_search_author_title_and_isbn_and_mark_what_matched(
    client: Client, tolkien: int, typed: str
) -> None:
    create_book(title="Towers of Babel", author=create_author(name="Ann Lee").id)
    page = client.get("/books/", query_string={"q": typed}).text
    assert rows_of(page) == ["The Two Towers"]
    assert page.count("<mark>") == (0 if "-" in typed else 2)


@pytest.mark.parametrize("typed", ["9780060512750", "nobody at all", "x" * 3000, "%", "_"])
def test_what_fits_nothing_says_so(client: Client, tolkien: int, typed: str) -> None:
    assert "Nothing fits “" in text_of(client.get("/search", query_string={"q": typed}).text)


@pytest.mark.parametrize("query", ["", "?q=", "?q=%00", "?q=%20"])
def test_nothing_typed_says_what_to_type(client: Client, query: str) -> None:
    assert "Type a part of a name" in text_of(client.get(f"/search{query}").text)


def test_short_words_are_said_to_be_found_at_beginnings_only(client: Client, tolkien: int) -> None:
    page = text_of(client.get("/search?q=to+hobbit").text)
    assert "Words as short as “to” are looked for at the beginnings of words." in page
    assert "Words as short" not in text_of(client.get("/search?q=tolkien").text)


def test_the_box_keeps_what_was_typed(client: Client) -> None:
    page = client.get('/search?q="><b>').text
    assert 'value="&#34;&gt;&lt;b&gt;"' in page
    assert "search-catalogue" in client.get("/books/").text
    assert "search-catalogue" not in stranger(client.application).get("/login").text


# Pickers


def options_of(html: str) -> list[tuple[str, str]]:
    """The text and the value of each option."""
    return re.findall(r'data-text="([^"]*)" data-value="([^"]*)"', html)


def test_the_authors_who_begin_so_are_offered_first(client: Client, tolkien: int) -> None:
    inside = create_author(name="Al Metolk", country="FR").id
    answer = client.get("/books/authors?q=TOLK", headers=PARTIAL)
    assert options_of(answer.text) == [
        ("Tolkien, J. R. R.", str(tolkien)),
        ("Metolk, Al", str(inside)),
    ]
    assert "<mark>Tolk</mark>ien, J. R. R. United Kingdom, 3 books" in " ".join(
        re.sub("</?(span|li)[^>]*>", "", answer.text).split()
    )
    assert "X-Partial" in answer.headers["Vary"]


def test_no_more_than_eight_are_offered(client: Client) -> None:
    for number in range(20):
        create_author(name=f"Ann {number:02}")
    assert len(options_of(client.get("/books/authors?q=ann", headers=PARTIAL).text)) == MOST


def test_an_author_can_be_added_by_those_who_may(client: Client) -> None:
    url = "/books/authors?adding=1&q=Tolkien, J. R. R."
    page = client.get(url, headers=PARTIAL).text
    assert options_of(page) == [("Tolkien, J. R. R.", "new: Tolkien, J. R. R.")]
    assert "Add “J. R. R. Tolkien” as a new author" in text_of(page)
    assert options_of(client.get("/books/authors?adding=1&q=+", headers=PARTIAL).text) == []
    viewer = client.sign_in("viewer")
    assert options_of(viewer.get(url, headers=PARTIAL).text) == []


def test_countries_and_languages_are_offered_by_any_of_their_names(client: Client) -> None:
    page = client.get("/authors/countries?q=holl", headers=PARTIAL).text
    assert options_of(page) == [("Netherlands", "NL")]
    page = client.get("/books/languages?q=deutsch", headers=PARTIAL).text
    assert options_of(page) == [("German", "deu")]


@pytest.mark.parametrize(
    ("path", "page"),
    [
        ("/books/authors?q=tolk", "/books/?author=tolk"),
        ("/books/languages?q=eng", "/books/?language=eng"),
        ("/authors/countries?q=uk", "/authors/?country=uk"),
    ],
)
def test_whoever_asks_for_no_part_gets_the_whole_page(client: Client, path: str, page: str) -> None:
    answer = client.get(path)
    assert (answer.status_code, answer.location) == (302, page)
    assert "X-Partial" in answer.headers["Vary"]


@pytest.mark.parametrize("path", ["/books/authors", "/books/languages", "/authors/countries"])
@pytest.mark.parametrize(
    "typed", ["", "\x00", "%", "x" * 5000, "<script>", "\ud800", "a b c d e f"]
)
def test_nothing_that_is_typed_breaks_a_picker(client: Client, path: str, typed: str) -> None:
    query = {"q": typed.encode("utf-8", "replace"), "adding": "1"}
    answer = client.get(path, query_string=query, headers=PARTIAL)
    assert answer.status_code == 200
    assert "<script>" not in answer.text


def test_a_search_and_a_picker_cost_three_statements_and_one_look_up(
    place: Place, client: Client, tolkien: int
) -> None:
    client.get("/")
    look_up = place.kind == "postgresql"
    for url in ("/search?q=tolk", "/search?q=tolk+tow", "/books/authors?q=tolk&adding=1"):
        sent: list[str] = []

        def note(connection: Any, cursor: Any, statement: str, *rest: Any, to: Any = sent) -> None:
            to.append(statement)

        event.listen(db.engine, "before_cursor_execute", note)
        client.get(url, headers=PARTIAL)
        event.remove(db.engine, "before_cursor_execute", note)
        statements = [statement for statement in sent if not statement.startswith("BEGIN")]
        assert len(statements) == 3 + look_up, statements
