"""How lists are read: by the indexes of their orders and filters, and never much of a table."""

import re
from collections.abc import Callable, Iterator
from contextlib import closing
from itertools import count
from string import ascii_lowercase as ALPHABET
from typing import Any, NamedTuple
from urllib.parse import quote

import psycopg2
import pytest
from conftest import Place, dispose, made_for_one_test
from flask import Flask
from flask.testing import FlaskClient
from flask_migrate import upgrade
from house import link_to
from noting import Sent, noting
from sqlalchemy import text

from bookshelf.accounts.queries import SORTS as PEOPLE_SORTS
from bookshelf.authors.queries import SORTS as AUTHOR_SORTS
from bookshelf.books.queries import SORTS as BOOK_SORTS
from bookshelf.core.db import db
from bookshelf.core.vocabulary import SETTINGS

AUTHORS, BOOKS, PEOPLE = 40_000, 40_000, 12_000  # more than are counted, whatever is asked
FAMOUS = 7  # an author of every twentieth book
MOST_ROWS = 1_500  # that any step of a plan may meet: a page, a filter's count up to 1,000
MOST_STEPS = 60_000  # of SQLite's machine; to read all books takes it ten times as many

SORTS = {"authors": AUTHOR_SORTS, "books": BOOK_SORTS, "people": PEOPLE_SORTS}
ORDERS = [
    f"/{name}/?sort={sign}{sort}"
    for name, sorts in SORTS.items()
    for sort in sorts
    for sign in ("", "-")
]
NARROWED = [
    "/authors/?country=GB",
    "/authors/?country=IS",
    "/authors/?country=none",
    f"/books/?author_id={FAMOUS}",
    f"/books/?author_id={FAMOUS}&sort=author",
    "/books/?author_id=8",
    "/books/?country=GB",
    "/books/?country=IS",
    "/books/?country=none",
    "/books/?language=eng",
    "/books/?language=isl",
    "/books/?isbn=none",
    "/books/?from=1990&to=1990",
]
FEW = [  # that are in the order of another index, and have to be sorted
    "/books/?from=1500&to=1799",
    "/books/?to=1799",
    "/books/?from=2090",
]
OVERVIEWS = ["/", f"/authors/{FAMOUS}", "/api/authors", "/api/books"]

SEARCHED = [
    "54321",
    "15838",
    "zzzzz",
    "1",
    "zz",
    "z",
    "54321 0",
    "054 zzz",
    "%",
    "_",
    "zz%",
    "9780000000777",
    "сергей",
]

# Whole numbers from 1 on, in an order that has nothing to do with that of the rows.
NUMBERS = """WITH RECURSIVE numbers(n, mixed) AS (
    SELECT 1, 7919 UNION ALL SELECT n + 1, (mixed + 7919) % 100003 FROM numbers WHERE n < {count}
) SELECT """
KEY = "substr(cast(1000000 + mixed AS varchar(20)), 2)"
FILL = (
    "INSERT INTO authors (name, sort_name, sort_key, country) "
    + NUMBERS.format(count=AUTHORS)
    + f"""'Name ' || n, 'Name ' || n, {KEY}, CASE WHEN mixed % 10 < 4 THEN 'GB'
        WHEN mixed % 10 < 7 THEN NULL WHEN mixed % 200 = 9 THEN 'IS' ELSE 'US' END FROM numbers""",
    "INSERT INTO books (title, sort_key, author_id, isbn, year, publisher, language) "
    + NUMBERS.format(count=BOOKS)
    + f"""'Title ' || n, {KEY}, CASE WHEN n % 20 = 0 THEN {FAMOUS} ELSE 1 + mixed % {AUTHORS} END,
        CASE WHEN mixed % 4 = 0 THEN NULL ELSE cast(9780000000000 + n AS varchar(20)) END,
        CASE WHEN mixed % 7 = 0 THEN NULL WHEN mixed % 1000 = 1 THEN 1500 + mixed % 300
            ELSE 1900 + mixed % 120 END,
        CASE WHEN mixed % 3 = 0 THEN NULL ELSE 'Publisher ' || (mixed % 100) END,
        CASE WHEN mixed % 6 = 0 THEN NULL WHEN mixed % 500 = 1 THEN 'isl' ELSE 'eng' END
        FROM numbers""",
    "INSERT INTO books (title, sort_key, author_id) "  # all at the end of the order
    + NUMBERS.format(count=300)
    + f"'Сергей ' || n, 'сергеи ' || {KEY}, n FROM numbers",
    "INSERT INTO books (title, sort_key, author_id) "  # in some places, all at the beginning
    + NUMBERS.format(count=1_550)
    + f"""'Gnu ' || n, '!' || substr('{ALPHABET}', 1 + n % 26, 1) || ' gnu ' || {KEY}, n
        FROM numbers""",
    "INSERT INTO users (email, sort_key, role, fs_uniquifier) "
    + NUMBERS.format(count=PEOPLE)
    + f"""'a' || n || '@example.org', {KEY}, CASE WHEN n % 3 = 0 THEN 'viewer' ELSE 'editor' END,
        'epoch ' || n FROM numbers""",
)


class Shelf(NamedTuple):
    """A database with many rows, and who looks at its pages."""

    kind: str
    app: Flask
    client: FlaskClient


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def shelf(request: pytest.FixtureRequest, create_place: Callable[[str], Place]) -> Iterator[Shelf]:
    place = create_place(request.param)
    app = place.app()
    made_for_one_test.remove(app)
    with app.app_context():
        upgrade()
        with db.engine.begin() as connection:
            for statement in FILL:
                connection.execute(text(statement))
        look_at_the_rows(place)
        client: Any = app.test_client()
        client.sign_in("administrator").get("/search?q=x")  # what is looked at once
        yield Shelf(place.kind, app, client)
        db.session.rollback()
    dispose(app)


def look_at_the_rows(place: Place) -> None:
    """Take statistics; on PostgreSQL an index alone can answer only after that."""
    if place.kind == "sqlite":
        with db.engine.begin() as connection:
            connection.execute(text("ANALYZE"))
        return
    with closing(psycopg2.connect(place.migrating)) as server:
        server.autocommit = True
        for statement in ("SET synchronous_commit = on", "ANALYZE", "VACUUM"):
            server.cursor().execute(statement)  # what is not on the disk yet, VACUUM leaves alone


def faults(shelf: Shelf, sent: Sent, may_sort: bool = False) -> list[str]:
    """What is wrong with how the database answers a statement."""
    if shelf.kind == "postgresql":
        return [fault for node in nodes(plan_of(sent)) for fault in faults_of_node(node)]
    with closing(db.engine.raw_connection()) as connection:
        sorts = [] if may_sort else sorts_too_much(connection, sent)
        return sorts + works_too_hard(connection, sent)


def plan_of(sent: Sent) -> dict[str, Any]:
    """The plan of PostgreSQL for a statement, and what it met on the way."""
    with closing(db.engine.raw_connection()) as connection:
        cursor = connection.cursor()
        for item in SETTINGS.items() if "string_to_array" in sent.statement else ():
            cursor.execute("SELECT set_config(%s, %s, true)", item)
        cursor.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {sent.statement}", sent.values)
        found: Any = cursor.fetchone()
    plan: dict[str, Any] = found[0][0]["Plan"]
    return plan


def nodes(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The steps of PostgreSQL's plan."""
    yield node
    for inner in node.get("Plans", ()):
        yield from nodes(inner)


def faults_of_node(node: dict[str, Any]) -> Iterator[str]:
    if not node["Actual Loops"]:
        return
    what = f"{node['Node Type']} {node.get('Index Name') or node.get('Relation Name', '')}"
    if node["Node Type"] == "Seq Scan" and node["Relation Name"] in ("books", "authors", "users"):
        yield what
    dropped = (value for name, value in node.items() if name.startswith("Rows Removed"))
    rows = (node["Actual Rows"] + sum(dropped)) * node["Actual Loops"]
    if rows > MOST_ROWS:
        yield f"{what}: {rows} rows"


def sorts_too_much(connection: Any, sent: Sent) -> list[str]:
    """The sorts of SQLite's plan that have more to sort than a page, which is a subquery."""
    plan = connection.cursor().execute(f"EXPLAIN QUERY PLAN {sent.statement}", sent.values)
    steps = [(parent, detail) for _, parent, _, detail in plan.fetchall()]
    of_page = {
        parent for parent, detail in steps if re.match(r"SCAN (page|part_\d+|anon_\d+)$", detail)
    }
    return [detail for parent, detail in steps if "TEMP B-TREE" in detail and parent not in of_page]


def works_too_hard(connection: Any, sent: Sent) -> list[str]:
    """How many steps SQLite's machine makes, if these are too many; to the nearest hundred."""
    hundreds = count()
    connection.driver_connection.set_progress_handler(lambda: next(hundreds) < 0, 100)
    connection.cursor().execute(sent.statement, sent.values).fetchall()
    connection.driver_connection.set_progress_handler(None, 0)
    steps = next(hundreds) * 100
    return [f"{steps} steps"] if steps > MOST_STEPS else []


def assert_quick(shelf: Shelf, url: str | None, may_sort: bool = False) -> str:
    """The page, or its part, which few statements make, none of them slow.

    At most three, and a search and a picker, which have two, one more where words are looked up.
    """
    assert url
    most = 4 if shelf.kind == "postgresql" and url.startswith(("/search", "/books/authors")) else 3
    with noting() as sent:
        page: str = shelf.client.get(url, headers={"X-Partial": "options"}).text
    assert 1 <= len(sent) <= most, (url, sent)
    found = {fault: one.statement for one in sent for fault in faults(shelf, one, may_sort)}
    assert found == {}, (url, found)
    return page


@pytest.mark.parametrize("url", ORDERS)
def test_every_order_is_walked_by_an_index_both_ways(shelf: Shelf, url: str) -> None:
    first = assert_quick(shelf, url)
    second = assert_quick(shelf, link_to(first, "Next →"))
    assert_quick(shelf, link_to(second, "← Previous"))
    last = assert_quick(shelf, link_to(second, "Last"))
    assert_quick(shelf, link_to(last, "← Previous"))


@pytest.mark.parametrize("url", NARROWED)
def test_every_filter_is_answered_by_an_index_in_the_usual_order(shelf: Shelf, url: str) -> None:
    page = assert_quick(shelf, url)
    if onwards := link_to(page, "Next →"):
        assert_quick(shelf, onwards)
        assert_quick(shelf, link_to(page, "Last"))


@pytest.mark.parametrize("url", FEW)
def test_few_rows_that_fit_are_all_that_is_read_and_sorted(shelf: Shelf, url: str) -> None:
    assert_quick(shelf, url, may_sort=True)


@pytest.mark.parametrize("shelf", ["postgresql"], indirect=True)
@pytest.mark.parametrize("typed", SEARCHED)
def test_whatever_is_looked_for_is_looked_up(shelf: Shelf, typed: str) -> None:
    for path in ("/search", "/authors/", "/books/", "/books/authors"):
        page = assert_quick(shelf, f"{path}?q={quote(typed)}")
        if path == "/books/" and (onwards := link_to(page, "Next →")):
            assert_quick(shelf, onwards)


@pytest.mark.parametrize("shelf", ["postgresql"], indirect=True)
@pytest.mark.parametrize(
    ("url", "index"),
    [
        ("/authors/?q=15838", "ix_authors_words"),
        ("/books/?q=15838", "ix_books_words"),
        ("/books/?q=15838+01583", "ix_books_words"),
        ("/search?q=15838", "ix_words_of_books_word_trgm"),
    ],
)
def test_words_lead_to_rows_by_indexes_of_their_own(shelf: Shelf, url: str, index: str) -> None:
    with noting() as sent:
        assert shelf.client.get(url).status_code == 200
    assert index in {node.get("Index Name") for one in sent for node in nodes(plan_of(one))}


@pytest.mark.parametrize("sort", ["-title", "author", "-author"])
@pytest.mark.parametrize("shelf", ["postgresql"], indirect=True)
def test_of_many_rows_that_have_a_word_few_are_met(shelf: Shelf, sort: str) -> None:
    first = assert_quick(shelf, f"/books/?q=gnu&sort={sort}")
    second = assert_quick(shelf, link_to(first, "Next →"))
    assert_quick(shelf, link_to(second, "← Previous"))
    last = assert_quick(shelf, link_to(second, "Last"))
    assert_quick(shelf, link_to(last, "← Previous"))


def test_a_search_for_what_is_frequent_stops_early(shelf: Shelf) -> None:
    assert_quick(shelf, "/authors/?q=0")


@pytest.mark.parametrize("url", OVERVIEWS)
def test_totals_and_latest_read_little(shelf: Shelf, url: str) -> None:
    with noting() as sent:
        assert shelf.client.get(url).status_code == 200
    assert [fault for one in sent for fault in faults(shelf, one)] == []


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT id FROM books ORDER BY title LIMIT 50",
        "SELECT id FROM books WHERE year > 1990 OR year IS NULL ORDER BY version LIMIT 50",
        "SELECT count(title) FROM books",
    ],
)
def test_a_slow_statement_is_found(shelf: Shelf, statement: str) -> None:
    assert faults(shelf, Sent(statement, ()))
