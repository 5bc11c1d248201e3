"""What lists are narrowed by, how large their pages are, and how many rows they say there are."""

import re
from html import unescape
from typing import Any
from urllib.parse import urlsplit

import pytest
from flask import Flask
from house import HousekeepingClient as Client
from house import field_of, link_to, read, rows_of, text_of

from bookshelf.authors.services import create_author
from bookshelf.books.services import create_book
from bookshelf.core import counting
from bookshelf.core.db import db
from bookshelf.core.keyset import encode
from bookshelf.web import lists

NEXT, PREVIOUS, FIRST, LAST = "Next →", "← Previous", "First", "Last"
TOTAL = re.compile('<p class="total"[^>]*>(.*?)</p>', re.S)

pytestmark = pytest.mark.parametrize("place", ["sqlite", "postgresql"], indirect=True)


def said(html: str) -> str:
    """What the page says of the number of rows."""
    found = TOTAL.search(html)
    return text_of(found[1]).removesuffix("Export as CSV").strip() if found else ""


def follow(client: Client, html: str, words: str) -> str:
    """The page behind a link."""
    url = link_to(html, words)
    assert url, words
    return client.get(url).text


def add(count: int, **more: Any) -> list[str]:
    """So many authors; their names in order."""
    names = [f"Name {number:03}" for number in range(count)]
    for name in names:
        create_author(name=name, sort_name=name, **more)
    return names


@pytest.fixture
def shelf(client: Client) -> None:
    """Books of every kind that a filter tells apart."""
    ann = create_author(name="Ann Lee", country="GB").id
    bo = create_author(name="Bo Li").id
    create_book(title="Old", author=ann, year=-750, isbn="9780261102361")
    create_book(title="Middle", author=ann, year=1954, language="eng")
    create_book(title="New", author=bo, year=1999, language="yor", isbn="9780060512750")
    create_book(title="Undated", author=bo, language="eng")


@pytest.mark.parametrize(
    ("query", "titles", "chip"),
    [
        ("country=uk", ["Middle", "Old"], "United Kingdom"),
        ("country=none", ["New", "Undated"], "Author without a country"),
        ("country=NONE&q=un", ["Undated"], "Author without a country"),
        ("language=english", ["Middle", "Undated"], "English"),
        ("isbn=none", ["Middle", "Undated"], "No ISBN"),
        ("isbn=none&sort=-isbn", ["Undated", "Middle"], "No ISBN"),
        ("isbn=none&country=gb&sort=year", ["Middle"], "No ISBN"),
        ("from=1954&to=1999", ["Middle", "New"], "1954 to 1999"),
        ("from=1954&to=1954", ["Middle"], "1954"),
        ("from=1955", ["New"], "From 1955"),
        ("to=1954&sort=-year", ["Middle", "Old"], "To 1954"),
        ("from=-750&to=−1", ["Old"], "-750 to -1"),
        ("from=0&to=&author=", ["Middle", "New"], "From 0"),
    ],
)
def test_books_are_narrowed_and_a_chip_takes_that_back(
    client: Client, shelf: None, query: str, titles: list[str], chip: str
) -> None:
    html = client.get(f"/books/?{query}").text
    assert rows_of(html) == titles
    assert said(html) == f"{len(titles)} book{'s' if len(titles) > 1 else ''}"
    without = link_to(html, f"{chip} , remove")
    assert without
    assert f"{chip} , remove" not in text_of(client.get(without).text)
    assert not {"from", "to"} & {pair.split("=")[0] for pair in urlsplit(without).query.split("&")}


def test_authors_without_a_country_are_found_in_either_order(client: Client) -> None:
    names = add(60)
    for number in range(60):
        create_author(name=f"B{number:02}", country="GB")
    html = client.get("/authors/?country=No+country").text
    assert rows_of(html) == names[:50]
    assert rows_of(follow(client, html, NEXT)) == names[50:]
    assert said(html) == "60 authors"
    assert field_of(html, "country")["value"] == "No country"
    back = client.get("/authors/?country=none&sort=-name&before=last").text
    assert rows_of(back) == names[49::-1]
    assert rows_of(client.get("/authors/?country=none&sort=country").text) == names[:50]


@pytest.mark.parametrize(
    ("query", "notice"),
    [
        ("from=abc", "“abc” is not a year. The list is not narrowed by it."),
        ("to=19999", "“19999” is not a year. The list is not narrowed by it."),
        ("from=1999&to=1950", "No year is from 1999 to 1950. The list is not narrowed by it."),
        ("isbn=978", "This list cannot be narrowed by isbn, except to “No ISBN”."),
        ("language=none", "“none” fits no language. The list is not narrowed by it."),
        ("size=51", "A page has 25, 50, 100 or 200 rows, and not “51”."),
        ("colour=red", "This list cannot be narrowed by “colour”."),
        ("before=never", "That page is not known here; this is the first one."),
        ("after=last", "That page is not known here; this is the first one."),
    ],
)
def test_what_a_list_does_not_know_is_ignored_with_a_notice(
    client: Client, shelf: None, query: str, notice: str
) -> None:
    html = client.get(f"/books/?{query}").text
    assert notice in text_of(html)
    assert rows_of(html) == ["Middle", "New", "Old", "Undated"]


def test_a_page_has_as_many_rows_as_one_chooses(client: Client) -> None:
    names = add(210)
    for size in ("25", "50", "100", "200"):
        html = client.get(f"/authors/?size={size}").text
        assert rows_of(html) == names[: int(size)]
        assert rows_of(follow(client, html, NEXT)) == names[int(size) :][: int(size)]
        assert rows_of(follow(client, html, LAST)) == names[-int(size) :]
        other = "25" if size != "25" else "100"
        assert len(rows_of(follow(client, html, other))) == int(other)


def test_the_size_stays_whatever_is_pressed(client: Client) -> None:
    add(60, country="GB")
    html = client.get("/authors/?size=25&country=gb").text
    for words in (NEXT, LAST, "Name", "Country", "United Kingdom , remove"):
        assert "size=25" in (link_to(html, words) or ""), words
    assert [a["value"] for _, a in read(html).elements if a.get("name") == "size"] == ["25"]


def test_the_first_and_the_last_page_are_one_step_away(client: Client) -> None:
    names = add(120)
    html = client.get("/authors/").text
    assert link_to(html, FIRST) is None
    last = follow(client, html, LAST)
    assert rows_of(last) == names[-50:]
    assert link_to(last, LAST) is link_to(last, NEXT) is None
    middle = follow(client, last, PREVIOUS)
    assert rows_of(middle) == names[20:70]
    assert rows_of(follow(client, middle, FIRST)) == names[:50]


def test_a_last_page_that_is_the_only_one_leads_nowhere(client: Client) -> None:
    names = add(3)
    html = client.get("/authors/?before=last").text
    assert rows_of(html) == names
    assert link_to(html, PREVIOUS) is link_to(html, NEXT) is None


def test_an_edit_between_two_pages_moves_nothing_else(client: Client) -> None:
    names = add(120)
    first = client.get("/authors/").text
    for number in (60, 10):  # one of the second page, one of the first
        client.submit(f"/authors/{number}/edit", name="Zzz", sort_name=f"Zzz {number}")
    second = rows_of(follow(client, first, NEXT))
    assert second == [name for name in names[50:101] if name != names[59]]


# How many there are


def test_a_search_counts_no_further_than_its_page_until_it_is_asked(client: Client) -> None:
    add(60)
    html = client.get("/authors/?q=name&size=25").text
    assert said(html) == "More than 25 authors Count exactly"
    counted = follow(client, html, "Count exactly")
    assert (said(counted), rows_of(counted)) == ("60 authors", rows_of(html))
    second = follow(client, html, NEXT)
    counted = follow(client, second, "Count exactly")
    assert (said(counted), rows_of(counted)) == ("60 authors", rows_of(second))


def test_the_rows_of_a_search_are_counted_once_they_are_there(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    add(60)
    html = client.get("/authors/?q=name&after=" + encode(["name 02", 2])).text
    [later] = re.findall('data-counted="([^"]+)"', html)
    counted = client.get(unescape(later)).text
    assert (said(counted), rows_of(counted)) == ("60 authors", rows_of(html))
    assert "data-counted" not in counted
    monkeypatch.setattr(counting, "MANY", 55)
    assert said(client.get(unescape(later)).text) == "More than 55 authors Count exactly"


def test_a_filter_counts_up_to_a_thousand(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    add(60, country="GB")
    assert said(client.get("/authors/?country=gb").text) == "60 authors"
    monkeypatch.setattr(lists, "COUNTED", 55)
    html = client.get("/authors/?country=gb").text
    assert said(html) == "More than 55 authors Count exactly"
    assert said(follow(client, html, "Count exactly")) == "60 authors"


def test_the_books_of_an_author_are_counted_with_the_name(client: Client) -> None:
    ann = create_author(name="Ann").id
    for number in range(51):
        create_book(title=f"Book {number}", author=ann)
    assert said(client.get(f"/books/?author_id={ann}").text) == "51 books"
    assert said(client.get("/books/?author=ann").text) == "51 books"


def test_a_row_says_how_many_books_an_author_has_up_to_a_thousand(client: Client) -> None:
    ann, bo, cy = (create_author(name=name).id for name in ("Ann", "Bo", "Cy"))
    for author, count in ((ann, 1_001), (bo, 3)):
        rows = [{"author": author}] * count
        db.session.execute(
            db.text("INSERT INTO books (title, sort_key, author_id) VALUES ('x', 'x', :author)"),
            rows,
        )
    html = client.get("/authors/").text
    cells = [text_of(part.split("</td>")[0]) for part in html.split('<td class="number">')[1:]]
    assert cells == ["1,000+", "3", "0"]
    page = text_of(client.get(f"/authors/{ann}").text)
    assert "More than 1,000 books" in page
    assert "All of them" in page
    assert "No books yet" in text_of(client.get(f"/authors/{cy}").text)


def test_a_short_list_is_counted_as_a_whole(client: Client) -> None:
    assert said(client.get("/authors/").text) == ""
    add(51)
    assert said(client.get("/authors/").text) == "51 authors"
    assert said(client.sign_in("administrator").get("/people/?sort=role").text) == "2 people"


def test_a_long_list_is_about_as_long_as_postgresql_last_noted(
    app: Flask, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    add(120)
    monkeypatch.setattr(counting, "MANY", 100)
    exact = db.engine.dialect.name == "sqlite"
    about, more = "About 120 authors Count exactly", "More than 130 authors Count exactly"
    db.session.execute(db.text("ANALYZE authors"))
    db.session.commit()
    html = client.get("/authors/").text
    assert said(html) == ("120 authors" if exact else about)
    assert exact or said(follow(client, html, "Count exactly")) == "120 authors"
    assert ("about 120" in text_of(client.get("/").text)) != exact
    add(20)
    monkeypatch.setattr(counting, "MANY", 130)  # what was noted is less, and old
    assert said(client.get("/authors/").text) == ("140 authors" if exact else more)
