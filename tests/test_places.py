"""A search pages through all rows that it finds, in order, however PostgreSQL meets them."""

import random
from collections.abc import Callable, Iterator
from functools import partial
from itertools import cycle
from typing import Any

import pytest
from flask import Flask
from noting import made_anew
from test_matching import hold_together
from test_vocabulary import on_postgresql

from bookshelf.authors import queries as authors
from bookshelf.authors.models import Author
from bookshelf.books import queries as books
from bookshelf.books.models import Book
from bookshelf.core import frequency, keyset, places, vocabulary
from bookshelf.core.db import db
from bookshelf.core.keyset import Page, Position

BEGINNINGS = [
    "a",
    "ab",
    "abacus",
    "a b",
    "b",
    "1984",
    "zz",
    "ж",
    "жа",
    "жар птица",
    "村",
    "村上",
    "𐍈",
]
WORDS = ["river", "rivers", "driver", "the", "of", "jrr", "j r r", "j", "r", "жар", "村", "c++"]
TYPED = [
    "river",
    "the",
    "riv the",
    "jrr",
    "j",
    "of river",
    "жар",
    "村",
    "c++",
    "nowhere",
    "a river",
]
AUTHORS, BOOKS, SIZE = 40, 500, 7

# How many rows are sooner looked up, and after how many places all are.
PATIENCE = {"looked up": (500, 1), "met": (1, 50), "mixed": (9, 3)}


@pytest.fixture(params=PATIENCE.values(), ids=list(PATIENCE))
def patience(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(frequency, "MANY", 0)  # so that every search goes from place to place
    for name, number in zip(("FEW", "NEAR"), request.param, strict=True):
        monkeypatch.setattr(places, name, number)
    with made_anew(places._rows, vocabulary._look_up):
        yield


@pytest.fixture
def keys(app: Flask) -> dict[int, tuple[str, str]]:
    """Of many books, the keys of title and author by id."""
    drawn = random.Random(7)
    names = [f"{drawn.choice(BEGINNINGS)} {drawn.choice(WORDS)}" for _ in range(AUTHORS)]
    rows = [{"name": name, "sort_name": name, "sort_key": name} for name in names]
    db.session.execute(db.insert(Author), rows)
    ids = db.session.scalars(db.select(Author.id)).all()
    titles = [
        " ".join([drawn.choice(BEGINNINGS), *drawn.choices(WORDS, k=drawn.randrange(4))])
        for _ in range(BOOKS)
    ]
    rows = [
        {"title": key, "sort_key": key, "author_id": drawn.choice(ids), "language": language}
        | {"year": drawn.choice([None, 1990, 2000])}
        for key, language in zip(titles, cycle(["eng", "pol"]), strict=False)
    ]
    db.session.execute(db.insert(Book), rows)
    kept = db.session.execute(db.select(Book.id, Book.sort_key, Book.author_key))
    return {row.id: (row.sort_key, row.author_key) for row in kept}


@on_postgresql
@pytest.mark.usefixtures("patience")
@pytest.mark.parametrize("sort", ["title", "author"])
@pytest.mark.parametrize("typed", TYPED)
def test_all_books_are_met_in_order_both_ways(
    keys: dict[int, tuple[str, str]], typed: str, sort: str
) -> None:
    wanted = [found for found in in_order(sort) if hold_together(*keys[found], typed)]
    page_of = partial(books.page_of_books, q=typed, sort=sort)
    for descending in (False, True):
        expected = wanted[::-1] if descending else wanted
        pages = list(walk(page_of, descending))
        assert [row.id for page in pages for row in page.rows] == expected
        pages = list(walk(page_of, descending, back=True))
        # The first page is a full one, so that the next may repeat some of it.
        met = dict.fromkeys(row.id for page in reversed(pages) for row in page.rows)
        assert list(met) == expected


@on_postgresql
@pytest.mark.usefixtures("patience")
@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize("narrowing", [{}, {"language": "pol"}])
@pytest.mark.parametrize("sort", ["title", "author", "year", "added"])
def test_rows_that_are_looked_for_stand_as_among_all(
    keys: dict[int, tuple[str, str]], sort: str, narrowing: dict[str, Any], descending: bool
) -> None:
    page_of = partial(books.page_of_books, sort=sort, **narrowing)
    every_one = [row.id for page in walk(page_of, descending) for row in page.rows]
    for typed in ("river", "riv the"):
        met = [row.id for page in walk(partial(page_of, q=typed), descending) for row in page.rows]
        assert met == [one for one in every_one if hold_together(*keys[one], typed)] != []


@on_postgresql
@pytest.mark.usefixtures("patience", "keys")
@pytest.mark.parametrize("typed", ["river", "the", "жар", "r"])
def test_all_authors_are_met_in_order(typed: str) -> None:
    found = db.session.scalars(authors.found(q=typed)[0].order_by(Author.sort_key, Author.id)).all()
    pages = walk(partial(authors.page_of_authors, q=typed))
    assert [row.id for page in pages for row in page.rows] == found != []


def in_order(sort: str) -> list[int]:
    """All books in the order of their titles, or of their authors, by bytes."""
    rows = db.session.execute(db.select(Book.id, Book.sort_key, Book.author_key, Book.author_id))
    orders: dict[str, Callable[[Any], tuple[Any, ...]]] = {
        "title": lambda row: (row.sort_key.encode(), row.id),
        "author": lambda row: (
            *(row.author_key.encode(), row.author_id),
            *(row.sort_key.encode(), row.id),
        ),
    }
    return [row.id for row in sorted(rows, key=orders[sort])]


def walk(
    page_of: Callable[..., Page], descending: bool = False, back: bool = False
) -> Iterator[Page]:
    """All pages, from the first on, or from the last on back; no more than there can be."""
    after, before = None, keyset.LAST if back else None
    for _ in range(BOOKS // SIZE + 2):
        page = page_of(at=Position(descending, after, before, SIZE))
        yield page
        cursor = page.previous if back else page.next
        if not cursor:
            return
        after, before = (None, cursor) if back else (cursor, None)
    pytest.fail("the pages do not end")
