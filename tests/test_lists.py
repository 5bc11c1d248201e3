"""Lists: their pages one after another, their order, and the state that their URLs carry."""

from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from conftest import Place
from flask import Flask
from house import HousekeepingClient as Client
from house import field_of, link_to, read, rows_of, text_of
from noting import noting

from bookshelf.authors.models import Author
from bookshelf.authors.services import create_author, delete_author
from bookshelf.books.models import Book
from bookshelf.books.services import create_book
from bookshelf.core import counting as counts
from bookshelf.core.db import db
from bookshelf.core.keyset import encode

NEXT, PREVIOUS = "Next →", "← Previous"
LISTS = ("/authors/", "/books/")


def pages_from(client: Client, url: str | None, onwards: str) -> Iterator[list[str]]:
    """The rows of a page and of all that its links lead on to."""
    while url:
        html = client.get(url).text
        yield rows_of(html)
        url = link_to(html, onwards)


def last_page(client: Client, url: str) -> str:
    """The address of the last page."""
    while further := link_to(client.get(url).text, NEXT):
        url = further
    return url


def in_order(rows: list[Any], key: Callable[[Any], tuple[Any, ...]], down: bool) -> list[Any]:
    """The rows by a key of which the first part may be None, and then comes last."""
    filled = sorted((row for row in rows if key(row)[0] is not None), key=key, reverse=down)
    empty = (row for row in rows if key(row)[0] is None)
    return filled + sorted(empty, key=lambda row: key(row)[1:], reverse=down)


def query_of(url: str | None) -> dict[str, str]:
    """The parameters of an address."""
    assert url
    return {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}


def add_authors(count: int) -> list[Author]:
    """Authors among whom names are equal and countries missing; each can be told by the name."""
    countries = ("GB", None, "NG", "SUHH", None)
    return [
        create_author(
            name=f"N{number:03}",
            sort_name=f"Name {number % 7}, {number:03}" if number % 3 else f"Same ({number:03})",
            country=countries[number % 5],
        )
        for number in range(count)
    ]


AUTHOR_KEYS: dict[str, Callable[[Author], tuple[Any, ...]]] = {
    "name": lambda author: (author.sort_key, author.id),
    "country": lambda author: (author.country, author.sort_key, author.id),
    "added": lambda author: (author.id,),
}
BOOK_KEYS: dict[str, Callable[[Book], tuple[Any, ...]]] = {
    "title": lambda book: (book.sort_key, book.id),
    "author": lambda book: (book.author.sort_key, book.author_id, book.sort_key, book.id),
    "year": lambda book: (book.year, book.sort_key, book.id),
    "publisher": lambda book: (book.publisher, book.id),
    "language": lambda book: (book.language, book.sort_key, book.id),
    "isbn": lambda book: (book.isbn, book.sort_key, book.id),
    "added": lambda book: (book.id,),
}


def assert_walked(client: Client, url: str, expected: list[str]) -> None:
    """The pages hold each row once and in order, forwards and backwards, 50 on each."""
    whole = [expected[start : start + 50] for start in range(0, len(expected), 50)]
    htmls = [client.get(url).text]
    while further := link_to(htmls[-1], NEXT):
        htmls.append(client.get(further).text)
        assert len(htmls) <= len(whole), "going round in circles"
    assert [rows_of(html) for html in htmls] == whole
    back = list(pages_from(client, link_to(htmls[-1], PREVIOUS), PREVIOUS))
    assert back == whole[-2::-1]


def test_all_authors_are_met_once_in_every_order_both_ways(client: Client) -> None:
    add_authors(120)
    rows = list(db.session.scalars(db.select(Author)))
    for sort, key in AUTHOR_KEYS.items():
        for sign in ("", "-"):
            expected = [row.sort_name for row in in_order(rows, key, bool(sign))]
            assert_walked(client, f"/authors/?sort={sign}{sort}", expected)


def test_all_books_are_met_once_in_every_order_both_ways(client: Client) -> None:
    authors = [create_author(name=name).id for name in ("Ann Lee", "Bo Li", "Ann Lee")]
    for number in range(102):
        create_book(
            title=("The " if number % 2 else "") + f"Title {number % 9} ({number:03})",
            author=authors[number % 3],
            isbn=f"{9780000000000 + number * 7 % 1000}" if number % 4 else None,
            year=(None, -750, 1999, 2020)[number % 4],
            publisher=(None, "Éditions", "Faber", "faber")[number // 5 % 4],
            language=(None, "eng", "yor")[number // 3 % 3],
        )
    rows = list(db.session.scalars(db.select(Book).options(db.joinedload(Book.author))))
    for sort, key in BOOK_KEYS.items():
        for sign in ("", "-"):
            expected = [row.title for row in in_order(rows, key, bool(sign))]
            assert_walked(client, f"/books/?sort={sign}{sort}", expected)


def test_authors_of_one_name_are_all_met(client: Client) -> None:
    for _ in range(101):
        create_author(name="John Smith", country="US")
    for sort in ("name", "-name", "country", "-country"):
        sizes = [len(rows) for rows in pages_from(client, f"/authors/?sort={sort}", NEXT)]
        assert sizes == [50, 50, 1]


@pytest.mark.parametrize("count", [1, 50])
def test_a_list_that_fits_a_page_has_no_other(client: Client, count: int) -> None:
    add_authors(count)
    html = client.get("/authors/").text
    assert len(rows_of(html)) == count
    assert link_to(html, NEXT) is link_to(html, PREVIOUS) is None


def test_the_first_page_has_no_previous_and_the_last_no_next(client: Client) -> None:
    add_authors(51)
    first = client.get("/authors/").text
    assert link_to(first, PREVIOUS) is None
    last = client.get(link_to(first, NEXT) or "").text
    assert link_to(last, NEXT) is None
    assert link_to(client.get(link_to(last, PREVIOUS) or "").text, PREVIOUS) is None


# Rows that come and go while somebody reads


def test_a_row_added_between_pages_neither_repeats_nor_hides_another(
    client: Client,
) -> None:
    before = [author.sort_name for author in add_authors(70)]
    first = client.get("/authors/").text
    create_author(name="Aaa")
    create_author(name="Zzz")
    second = client.get(link_to(first, NEXT) or "").text
    seen = rows_of(first) + rows_of(second)
    assert sorted(seen) == sorted([*before, "Zzz"])


def test_rows_deleted_between_pages_hide_no_other(client: Client) -> None:
    authors = add_authors(70)
    first = client.get("/authors/").text
    gone = [author for author in authors if author.sort_name in rows_of(first)[-3:]]
    names = {author.sort_name for author in authors}
    for author in gone:
        delete_author(author)
    second = client.get(link_to(first, NEXT) or "").text
    assert set(rows_of(first)) | set(rows_of(second)) == names
    assert not set(rows_of(first)) & set(rows_of(second))


def test_a_page_whose_rows_are_all_gone_leads_to_the_first(client: Client) -> None:
    authors = add_authors(51)
    onwards = link_to(client.get("/authors/?sort=added").text, NEXT) or ""
    delete_author(authors[-1])
    assert rows_of(client.get(onwards).text) == [author.sort_name for author in authors[:50]]


def test_going_back_to_a_short_first_page_shows_a_whole_one(client: Client) -> None:
    authors = add_authors(80)
    last = client.get(last_page(client, "/authors/?sort=added")).text
    for author in authors[:30]:
        delete_author(author)
    first = client.get(link_to(last, PREVIOUS) or "").text
    assert rows_of(first) == [author.sort_name for author in authors[30:80]]
    assert link_to(first, NEXT) is None


# The state in the URL


@pytest.fixture
def narrowed(client: Client) -> str:
    """A list of 60 British Lees, newest first, among others."""
    for number in range(60):
        create_author(name=f"Ann Lee {number}", sort_name=f"Lee, {number:02}", country="GB")
        if number % 10 == 9:
            create_author(name="Bo Lee", country="US")
            create_author(name="Cy Moe", country="GB")
    return "/authors/?q=lee&country=uk&sort=-added"


def test_paging_keeps_search_filter_and_order(client: Client, narrowed: str) -> None:
    rows = [row for page in pages_from(client, narrowed, NEXT) for row in page]
    assert rows == [f"Lee, {number:02}" for number in reversed(range(60))]
    assert sum(map(len, pages_from(client, last_page(client, narrowed), PREVIOUS))) == 60


def test_sorting_keeps_search_and_filter_and_begins_anew(client: Client, narrowed: str) -> None:
    by_name = link_to(client.get(last_page(client, narrowed)).text, "Name")
    assert query_of(by_name) == {"q": "lee", "country": "GB"}
    html = client.get(by_name or "").text
    assert rows_of(html)[:2] == ["Lee, 00", "Lee, 01"]
    down = link_to(html, "Name")
    assert query_of(down) == {"q": "lee", "country": "GB", "sort": "-name"}
    html = client.get(down or "").text
    assert rows_of(html)[0] == "Lee, 59"
    assert query_of(link_to(html, "Name")) == {"q": "lee", "country": "GB"}


NARROWING = ("q", "country")


def test_searching_keeps_filter_and_order_and_begins_anew(client: Client, narrowed: str) -> None:
    html = client.get(last_page(client, narrowed)).text
    fields = [a for tag, a in read(html).elements if tag == "input" and a.get("id") in NARROWING]
    fields += [a for _, a in read(html).elements if a.get("name") == "sort"]
    form = {a["name"]: a.get("value") for a in fields}
    assert form == {"q": "lee", "country": "United Kingdom", "sort": "-added"}
    found = client.get("/authors/", query_string=form | {"q": "ann lee"}).text
    assert rows_of(found)[0] == "Lee, 59"
    assert len(rows_of(found)) == 50


def test_each_narrowing_can_be_taken_away_alone(client: Client, narrowed: str) -> None:
    html = client.get(narrowed).text
    assert query_of(link_to(html, "“lee” , remove")) == {"country": "GB", "sort": "-added"}
    without = link_to(html, "United Kingdom , remove")
    assert query_of(without) == {"q": "lee", "sort": "-added"}
    assert rows_of(client.get(without or "").text)[:2] == ["Lee, Bo", "Lee, 59"]


def test_books_are_narrowed_by_author_and_language_on_every_page(
    client: Client,
) -> None:
    ann, bo = (create_author(name=name).id for name in ("Ann Lee", "Bo Li"))
    for number in range(55):
        create_book(title=f"Iwe {number:02}", author=ann, language="yor")
        create_book(title=f"Book {number:02}", author=ann, language="eng")
        create_book(title=f"Shu {number:02}", author=bo, language="yor")
    url = f"/books/?author_id={ann}&language=yoruba&sort=-title"
    rows = [row for page in pages_from(client, url, NEXT) for row in page]
    assert rows == [f"Iwe {number:02}" for number in reversed(range(55))]
    html = client.get(url).text
    assert "Ann Lee" in text_of(html)
    kept = {"author_id": str(ann), "language": "yor", "sort": "year"}
    assert query_of(link_to(html, "Year")) == kept
    found = client.get("/books/", query_string=kept | {"q": "32 IWÉ"}).text
    assert rows_of(found) == ["Iwe 32"]


def test_books_are_narrowed_by_an_author_as_typed(client: Client) -> None:
    ann, bo = create_author(name="Ann Lee"), create_author(name="Bo Leeds")
    for author in (ann, bo):
        create_book(title=f"By {author.name}", author=author.id)
    page = client.get("/books/?author=ann&sort=-title").text
    assert rows_of(page) == ["By Ann Lee"]
    assert field_of(page, "author")["value"] == "Ann Lee"
    assert f"author_id={ann.id}" in str(link_to(page, "Title"))
    several = client.get("/books/?author=lee").text
    assert "“lee” fits several: Ann Lee, Bo Leeds. The list is not narrowed by it." in text_of(
        several
    )
    assert len(rows_of(several)) == 2
    assert "“zz” fits no author." in text_of(client.get("/books/?author=zz").text)


def test_the_sorted_column_says_its_direction(client: Client) -> None:
    create_author(name="Ann Lee")
    for url, directions in [
        ("/authors/", ["ascending", None, None, None]),
        ("/authors/?sort=-country", [None, "descending", None, None]),
    ]:
        heads = [a for tag, a in read(client.get(url).text).elements if tag == "th"]
        assert [a.get("aria-sort") for a in heads if a.get("scope") == "col"] == directions


def test_no_more_can_be_typed_than_a_search_makes_use_of(client: Client) -> None:
    page = client.get("/books/").text
    assert [field_of(page, name)["maxlength"] for name in ("q", "author", "language")] == [
        "200"
    ] * 3


# What cannot be


@pytest.mark.parametrize("path", LISTS)
@pytest.mark.parametrize("sort", ["-", "--name", "id", "sort_key", "name;", "-NAME", "é"])
def test_an_unknown_order_is_ignored_with_a_notice(client: Client, path: str, sort: str) -> None:
    page = client.get(path, query_string={"sort": sort})
    assert page.status_code == 200
    assert f"This list cannot be sorted by “{sort}”." in text_of(page.text)


def test_a_cursor_of_another_order_leads_to_the_first_page(client: Client) -> None:
    names = [author.sort_name for author in add_authors(51)]
    for sort in ("name", "country"):
        other = encode([7])
        page = client.get(f"/authors/?sort={sort}&after={other}")
        assert "That page is not known here; this is the first one." in text_of(page.text)
        assert len(rows_of(page.text)) == 50
    assert rows_of(client.get(f"/authors/?sort=added&after={encode([50])}").text) == names[50:]


@pytest.mark.parametrize(
    ("query", "notice"),
    [
        ("author_id=7", "There is no author 7."),
        ("author_id=x", "There is no author x."),
        ("author_id=-1", "There is no author -1."),
        ("author_id=99999999999999999999", "There is no author 99999999999999999999."),
        ("language=klingonese", "“klingonese” fits no language."),
    ],
)
def test_a_filter_that_means_nothing_narrows_nothing_and_says_so(
    client: Client, query: str, notice: str
) -> None:
    create_book(title="A book", author=create_author(name="Ann").id)
    page = client.get(f"/books/?{query}")
    assert notice in text_of(page.text)
    assert rows_of(page.text) == ["A book"]


# What a page costs


def test_a_page_of_a_list_costs_three_statements_at_most(
    place: Place, app: Flask, client: Client
) -> None:
    """PostgreSQL looks words up by one of these; with an author beside them it is a fourth."""
    for author in add_authors(60):
        create_book(title="A book", author=author.id, language="eng")
    client.get("/")
    for url in (
        "/authors/",
        "/authors/?q=name&country=uk&sort=-country",
        f"/authors/?after={encode(['a', 1])}",
        f"/authors/?before={encode(['zzz', 1])}",
        "/authors/?before=last",
        "/authors/?country=none",
        "/authors/?country=gb&count=exact",
        f"/books/?sort=year&after={encode([2000, 'a', 1])}",
        "/books/?sort=author",
        "/books/?q=a+book&language=eng",
        "/books/?q=book&after=bad",
        f"/books/?q=book&author_id={author.id}&language=eng",
        f"/books/?author_id={author.id}&after={encode(['a', 1])}",
        "/api/authors",
        "/api/books",
        f"/api/authors/{author.id}/books",
    ):
        with noting() as sent:
            assert client.get(url).status_code == 200
        looks_up = place.kind != "sqlite" and "q=" in url and "author_id" in url
        assert 1 <= len(sent) <= 3 + looks_up, (url, sent)


@pytest.mark.parametrize("place", ["sqlite"], indirect=True)
def test_sqlite_counts_a_very_long_list_only_when_asked(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_authors(60)
    monkeypatch.setattr(counts, "MANY", 55)
    assert "60 authors" in text_of(client.get("/authors/").text)
    monkeypatch.setattr(counts, "CHEAP", 59)
    html = client.get("/authors/").text
    assert "More than 55 authors" in text_of(html)
    exact = link_to(html, "Count exactly")
    assert "60 authors" in text_of(client.get(exact or "").text)
