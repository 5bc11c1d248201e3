"""Pages by cursor, whatever the rows, whatever the cursor."""

import base64
import json
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest
from conftest import Place
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.exc import DBAPIError

from bookshelf.authors.models import Author
from bookshelf.authors.queries import SORTS as AUTHOR_SORTS
from bookshelf.books.models import Book
from bookshelf.books.queries import SORTS as BOOK_SORTS
from bookshelf.books.queries import page_of_books
from bookshelf.core import keyset
from bookshelf.core.db import NONE, db
from bookshelf.core.keyset import LAST, BadCursor, Page, Position, decode, encode, fetch, in_turn

both = pytest.mark.parametrize("place", ["sqlite", "postgresql"], indirect=True)
few = settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])

KEYS = AUTHOR_SORTS["country"]

# Few values, so that many rows share them; among them what collations and languages order oddly.
rows_of_authors = st.lists(
    st.tuples(
        st.sampled_from([None, "GB", "NG", "SUHH"]),
        st.sampled_from(["", "a", "a b", "ab", "é", "z"]),
    ),
    max_size=12,
)
sizes = st.integers(1, 4)


def fill(rows: list[tuple[str | None, str]]) -> list[int]:
    """Put exactly these countries and sort keys into the table, and return the ids in order."""
    db.session.rollback()
    db.session.execute(db.delete(Book))
    db.session.execute(db.delete(Author))
    values: list[dict[str, Any]] = [
        {"id": number, "name": "x", "sort_name": "x", "country": country, "sort_key": key}
        for number, (country, key) in enumerate(rows, start=1)
    ]
    if values:
        db.session.execute(db.insert(Author), values)
    return [value["id"] for value in values]


def page(down: bool, size: int, **cursor: str | None) -> Page:
    everyone = db.select(Author.id)
    return fetch([everyone], everyone, KEYS, Position(down, size=size, **cursor))


def expected(rows: list[tuple[str | None, str]], ids: list[int], down: bool) -> list[int]:
    """The ids by country, key and id; without a country last, either way."""

    def key(number: int) -> tuple[str, bytes, int]:
        country, name = rows[number - 1]
        return country or "", name.encode(), number

    filled = [number for number in ids if rows[number - 1][0] is not None]
    empty = [number for number in ids if rows[number - 1][0] is None]
    return sorted(filled, key=key, reverse=down) + sorted(empty, key=key, reverse=down)


def forwards(down: bool, size: int) -> list[Page]:
    pages = [page(down, size)]
    while pages[-1].next:
        pages.append(page(down, size, after=pages[-1].next))
        assert len(pages) <= 13, "going round in circles"
    return pages


def ids_of(found: Page) -> list[int]:
    return [row[0] for row in found.rows]


@both
@few
@given(rows=rows_of_authors, size=sizes, down=st.booleans())
def test_walking_forwards_meets_every_row_once_in_order(
    app: Flask, rows: list[tuple[str | None, str]], size: int, down: bool
) -> None:
    ids = fill(rows)
    pages = forwards(down, size)
    assert [number for found in pages for number in ids_of(found)] == expected(rows, ids, down)
    assert all(len(found.rows) == size for found in pages[:-1])
    assert pages[0].previous is None


@both
@few
@given(rows=rows_of_authors, size=sizes, down=st.booleans())
def test_walking_backwards_meets_the_same_pages(
    app: Flask, rows: list[tuple[str | None, str]], size: int, down: bool
) -> None:
    fill(rows)
    pages = forwards(down, size)
    back = [pages[-1]]
    while back[-1].previous:
        back.append(page(down, size, before=back[-1].previous))
        assert len(back) <= 13, "going round in circles"
    assert [ids_of(found) for found in back] == [ids_of(found) for found in pages[::-1]]
    assert [found.next for found in back[1:]] == [found.next for found in pages[-2::-1]]


@both
@few
@given(rows=rows_of_authors, size=sizes, down=st.booleans(), data=st.data())
def test_a_row_that_goes_between_pages_hides_and_repeats_no_other(
    app: Flask, rows: list[tuple[str | None, str]], size: int, down: bool, data: st.DataObject
) -> None:
    ids = fill([*rows, ("GB", "a")])
    order = expected([*rows, ("GB", "a")], ids, down)
    gone = data.draw(st.sampled_from(ids))
    first = page(down, size)
    db.session.execute(db.delete(Author).where(Author.id == gone))
    seen, following = ids_of(first), first.next
    while following:
        found = page(down, size, after=following)
        if not set(ids_of(found)).isdisjoint(ids_of(first)):
            assert order[len(first.rows) :] == [gone]  # nothing followed: the first page again
            break
        seen, following = seen + ids_of(found), found.next
    assert [number for number in seen if number != gone] == [n for n in order if n != gone]


rows_of_books = st.lists(
    st.fixed_dictionaries(
        {
            "sort_key": st.sampled_from(["", "a", "a b", "é"]),
            "author_id": st.integers(1, 3),
            "has_isbn": st.booleans(),
            "year": st.sampled_from([None, -750, 0, 1999]),
            "publisher": st.sampled_from([None, "", "Faber", "faber", "Éditions"]),
            "language": st.sampled_from([None, "eng", "yor"]),
        }
    ),
    max_size=12,
)
AUTHOR_KEY = {1: "b", 2: "a", 3: "b"}


def fill_books(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Put exactly these books into the table, and return them with all that orders look at."""
    fill([(None, AUTHOR_KEY[number]) for number in (1, 2, 3)])
    for number, row in enumerate(rows, start=1):
        row.update(id=number, title="x")
        row["isbn"] = f"{9780000000000 + number * 7 % 13}" if row.pop("has_isbn") else None
    if rows:
        db.session.execute(db.insert(Book), rows)
    return [row | {"author": AUTHOR_KEY[row["author_id"]]} for row in rows]


COLUMNS = {
    "title": ("sort_key", "id"),
    "author": ("author", "author_id", "sort_key", "id"),
    "year": ("year", "sort_key", "id"),
    "publisher": ("publisher", "id"),
    "language": ("language", "sort_key", "id"),
    "isbn": ("isbn", "sort_key", "id"),
    "added": ("id",),
}


def books_in_order(rows: list[dict[str, Any]], sort: str, down: bool) -> list[int]:
    """Their ids in the order of a sort, texts by their bytes, what is empty last either way."""

    def key(row: dict[str, Any]) -> list[Any]:
        values = [row[column] for column in COLUMNS[sort]]
        return [value.encode() if isinstance(value, str) else value or 0 for value in values]

    filled = [row for row in rows if row[COLUMNS[sort][0]] is not None]
    empty = [row for row in rows if row[COLUMNS[sort][0]] is None]
    both_parts = sorted(filled, key=key, reverse=down) + sorted(empty, key=key, reverse=down)
    return [row["id"] for row in both_parts]


@pytest.mark.parametrize("sort", BOOK_SORTS)
@both
@settings(few, max_examples=20)
@given(rows=rows_of_books, size=sizes, down=st.booleans())
def test_every_order_of_books_is_the_same_from_both_ends(
    app: Flask, rows: list[dict[str, Any]], size: int, down: bool, sort: str
) -> None:
    order = books_in_order(fill_books(rows), sort, down)
    at = Position(down, size=size)
    there = [page_of_books(sort=sort, at=at)]
    while there[-1].next:
        there.append(page_of_books(sort=sort, at=replace(at, after=there[-1].next)))
        assert len(there) <= 13, "going round in circles"
    assert [number for found in there for number in ids_of(found)] == order
    back = [page_of_books(sort=sort, at=replace(at, before=LAST))]
    assert back[0].next is None
    while back[-1].previous:
        back.append(page_of_books(sort=sort, at=replace(at, before=back[-1].previous)))
        assert len(back) <= 13, "going round in circles"
    assert ids_of(back[0]) == order[-size:]
    met = {number for found in back for number in ids_of(found)}
    assert met == set(order), "the page in front is a whole one, so it may repeat some"
    whole = [number for found in back[:-1][::-1] for number in ids_of(found)]
    assert whole == order[len(order) - len(whole) :]


@both
def test_books_without_an_isbn_are_walked_both_ways(app: Flask) -> None:
    rows = fill_books(
        [
            {"sort_key": key, "author_id": 1, "has_isbn": number % 3 == 0}
            for number, key in enumerate("badcafebadge")
        ]
    )
    order = books_in_order([row for row in rows if row["isbn"] is None], "title", down=True)
    at = Position(True, size=3)
    first = page_of_books(isbn=NONE, at=at)
    second = page_of_books(isbn=NONE, at=replace(at, after=first.next))
    last = page_of_books(isbn=NONE, at=replace(at, before=LAST))
    assert ids_of(first) + ids_of(second) + ids_of(last)[1:] == order
    assert ids_of(page_of_books(isbn=NONE, at=replace(at, before=second.previous))) == order[:3]


NULLABLE = (Book.year, Book.id)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=6,
)


@given(st.text() | st.text("ABCabc123-_=", max_size=40))
def test_any_text_is_a_cursor_or_a_bad_one(text: str) -> None:
    for keys in (*AUTHOR_SORTS.values(), *BOOK_SORTS.values()):
        with suppress(BadCursor):
            assert len(decode(text, keys)) == len(keys)


@given(st.none() | st.integers(-(10**4), 10**4), st.integers(1, 2**31 - 1))
def test_a_cursor_comes_back_as_it_was(year: int | None, row_id: int) -> None:
    assert decode(encode([year, row_id]), NULLABLE) == [year, row_id]


def forged(values: object) -> str:
    text = json.dumps(values).encode()
    return base64.urlsafe_b64encode(text).rstrip(b"=").decode()


GOOD = encode(["lee ann", 7])
BAD_CURSORS: list[str] = [
    "",
    "x",
    "é",
    "\x00",
    "\ud800",
    GOOD[:-3],
    GOOD[5:],
    base64.urlsafe_b64encode(b"\xff\xfe").decode(),
    base64.urlsafe_b64encode(b"[" * 100_000).decode(),
    base64.urlsafe_b64encode(b'["a", ' + b"1" * 5000 + b"]").decode(),
    base64.urlsafe_b64encode(b'["a", NaN]').decode(),
    *map(
        forged,
        [
            *(None, 7, "a", {}, [], ["a"], ["a", 1, 1], {"0": "a", "1": 1}),
            *([1, 1], ["a", "1"], ["a", 1.0], ["a", None], [None, 1], ["a", True], [True, 1]),
            *(["a", [1]], [["a"], 1], ["a", {}], ["a\x00b", 1], ["\ud800", 1], ["\udfff", 1]),
            *(["a", 2**63], ["a", -(2**63) - 1], ["a", 10**400]),
        ],
    ),
]


@pytest.mark.parametrize("cursor", BAD_CURSORS, ids=range(len(BAD_CURSORS)))
def test_a_forged_cursor_is_a_bad_one(cursor: str) -> None:
    with pytest.raises(BadCursor):
        decode(cursor, AUTHOR_SORTS["name"])


@few
@given(JSON)
def test_no_values_slip_through_that_the_columns_cannot_have(values: Any) -> None:
    try:
        year, row_id = decode(forged(values), NULLABLE)
    except BadCursor:
        return
    assert type(row_id) is int
    assert year is None or type(year) is int


@pytest.mark.parametrize("cursor", [*BAD_CURSORS, forged(["a", 2**63 - 1]), forged(["", -5])])
def test_no_cursor_breaks_a_page_or_the_json(place: Place, app: Flask, cursor: str) -> None:
    client = app.test_client()
    if "\ud800" in cursor:
        cursor = "%ED%A0%80"
    for name in ("after", "before"):
        for path in ("/authors/", "/books/", "/authors/?sort=-country", "/books/?sort=year"):
            values = f"{path}{'&' if '?' in path else '?'}{name}={cursor[:10_000]}"
            assert client.get(values).status_code == 200
        assert client.get(f"/api/authors?{name}={cursor[:10_000]}").status_code in (200, 400)


def test_the_size_of_a_page_is_fifty() -> None:
    assert keyset.SIZE == 50


def test_a_part_is_not_read_where_one_before_it_has_enough(app: Flask) -> None:
    fill([(None, "a"), (None, "b")])
    least = db.cast(-(2**63), db.BigInteger)
    unreadable = db.select(Author.id).where(db.func.abs(least + Author.id * 0) > 0)
    parts = [[db.select(Author.id)], [unreadable], [unreadable]]

    def read(limit: int) -> int:
        found = in_turn(parts, [Author.id.label("id")], [Author.id], limit)
        return len(db.session.scalars(db.union_all(*map(db.select, found))).all())

    assert read(2) == 2
    with pytest.raises(DBAPIError):
        read(3)


def test_a_part_of_several_selects_has_the_first_rows_of_each(app: Flask) -> None:
    fill([(None, key) for key in "abcdef"])
    halves = [db.select(Author.id).where(Author.id % 2 == rest) for rest in (0, 1)]
    parts = [[db.select(Author.id).where(db.false())], halves]
    *_, last = in_turn(parts, [Author.id.label("id")], [Author.id], 2)
    assert set(db.session.scalars(db.select(last))) == {1, 2, 3, 4}
