"""Files of what a list shows: every cell as it is stored, nothing that runs, however many rows."""

import csv
import io
import re
import time
from collections.abc import Callable
from typing import Any

import psycopg2
import pytest
from conftest import Place, ask
from flask import Flask
from flask.testing import FlaskClient
from house import HousekeepingClient as Client
from house import link_to, stranger
from sqlalchemy import func, literal_column, select
from sqlalchemy.exc import DBAPIError, OperationalError

from bookshelf.authors.models import Author
from bookshelf.authors.services import create_author
from bookshelf.books.services import create_book
from bookshelf.core.connections import reads_only
from bookshelf.core.db import AnySelect, db
from bookshelf.exchange.cells import defused, moment
from bookshelf.exchange.export import file_of
from bookshelf.seed import bulk

# Kept as they are, or with a quote before them.
AWKWARD = [
    "Ann Lee",
    'O\'Brien, "Flann"',
    "two\nlines",
    "a line\r\nof Windows",
    "comma, semicolon; and\ttab",
    "Ōe Kenzaburō 大江健三郎",
    "'t Hooft",
    "50% off \\N",
    "\\.",
]
RUNNING = ["=1+1", "+1", "-700", "@SUM(A1)", "\tx", "\rx", "\nx", "＝1", "'=1", "''@x"]


def names(*columns: Any) -> AnySelect:
    """The names of all authors as a file has them, by id."""
    return select(defused(Author.name).label("name"), *columns).order_by(Author.id)


def parsed(parts: Any) -> list[list[str]]:
    """The rows of a file, its names first."""
    text = b"".join(parts).decode("utf-8-sig")
    return list(csv.reader(io.StringIO(text, newline="")))


def test_every_cell_comes_back_as_it_was_stored(app: Flask) -> None:
    for name in AWKWARD:
        create_author(name=name, sort_name="Lee")
    db.session.commit()
    assert parsed(file_of(db.engine, names())) == [["name"], *([name] for name in AWKWARD)]


def test_what_a_spreadsheet_would_run_gets_a_quote_before_it(app: Flask) -> None:
    for name in RUNNING:
        create_author(name=name, sort_name="Lee")
    db.session.commit()
    rows = parsed(file_of(db.engine, names()))[1:]
    assert rows == [["'" + name] for name in RUNNING]


def test_the_file_is_the_same_on_every_database(app: Flask) -> None:
    create_author(name="Ann Lee", country=None)
    create_author(name="Zoë, “Z”", country="GB")
    db.session.commit()
    added: Any = literal_column(WHEN["sqlite" if on_sqlite() else "postgresql"])
    others: list[Any] = [literal_column("-7").label("year"), literal_column("NULL").label("isbn")]
    columns = (Author.country, *others, moment(added).label("added"))
    written = b"".join(file_of(db.engine, names(*columns)))
    assert written.decode() == (
        "\ufeffname,country,year,isbn,added\r\n"
        "Ann Lee,,-7,,2026-01-02T03:04:05Z\r\n"
        '"Zoë, “Z”",GB,-7,,2026-01-02T03:04:05Z\r\n'
    )


WHEN = {
    "sqlite": "'2026-01-02 03:04:05.123456'",
    "postgresql": "TIMESTAMPTZ '2026-01-02 05:04:05.123456+02'",
}


def on_sqlite() -> bool:
    return db.engine.dialect.name == "sqlite"


def test_a_file_without_rows_names_its_columns(app: Flask) -> None:
    assert b"".join(file_of(db.engine, names())) == "\ufeffname\r\n".encode()


@pytest.fixture
def many(app: Flask) -> int:
    """More authors than are on the way at once."""
    count = 6_000
    bulk.add_random(authors=count, books=0, seed=1, advance=lambda rows: None)
    db.session.commit()
    return count


def test_all_rows_come_of_one_moment(many: int) -> None:
    reading = reads_only.set(True)  # as in a request that asks for a file
    parts = file_of(db.engine, names())
    reads_only.reset(reading)
    first = next(parts)
    with db.engine.begin() as other:
        other.execute(db.delete(Author).where(Author.id > many - 10))
    assert len(parsed([first, *parts])) == 1 + many


def wait_until_all_connections_are_back() -> None:
    deadline = time.monotonic() + 10
    while db.engine.pool.checkedout():  # type: ignore[attr-defined]
        assert time.monotonic() < deadline, "a connection did not come back"
        time.sleep(0.01)


def test_a_reader_who_goes_away_keeps_no_connection(place: Place, many: int) -> None:
    endless = select(Author.name, func.length(literal_column("'x'"))).join(
        db.aliased(Author), literal_column("1 = 1")
    )
    db.session.commit()
    parts = file_of(db.engine, endless)
    assert next(parts)
    parts.close()
    wait_until_all_connections_are_back()
    if place.kind != "sqlite":
        running = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'COPY (SELECT%'"
        assert ask(place, f"{running} AND state = 'active'") == [(0,)]
    with db.engine.connect() as connection:
        assert connection.scalar(select(func.count()).select_from(Author)) == many


def test_what_fails_at_once_is_raised_before_anything_is_given(app: Flask) -> None:
    with pytest.raises((DBAPIError, psycopg2.Error)):
        file_of(db.engine, select(literal_column("nothing")))
    wait_until_all_connections_are_back()


def test_what_fails_later_cuts_the_file_short(place: Place, many: int) -> None:
    fails = "abs(-9223372036854775807 - (id = 5990))" if on_sqlite() else "1 / (5990 - id)"
    with pytest.raises((OperationalError, DBAPIError, psycopg2.Error)):
        list(file_of(db.engine, select(literal_column(fails)).select_from(Author)))
    wait_until_all_connections_are_back()


def file(client: FlaskClient, url: str) -> list[dict[str, str]]:
    """The rows behind a link that leads to a file."""
    response = client.get(url)
    assert response.status_code == 200
    assert response.mimetype == "text/csv"
    return list(csv.DictReader(io.StringIO(response.data.decode("utf-8-sig"), newline="")))


def link_on(client: Client, url: str) -> str:
    """Where a list leads for its file."""
    found = link_to(client.get(url).text, "Export as CSV")
    assert found
    return found


@pytest.fixture
def shelf(app: Flask) -> None:
    """Three authors and their books, of which one page shows one."""
    ann, zoe = create_author(name="Ann Lee", country="GB"), create_author(name="Zoë Ito")
    create_author(name="Bob Lee", country="GB", bio="=Bio")
    create_book(title="=Home", author=ann.id, year=-700, isbn="9780261103573", language="eng")
    create_book(title="The Sea", author=ann.id, year=1999, publisher="-Press")
    create_book(title="A Home", author=zoe.id)


SHOWN = [
    ("/books/", "title", ["'=Home", "A Home", "The Sea"]),
    ("/books/?sort=-title", "title", ["The Sea", "A Home", "'=Home"]),
    ("/books/?sort=year", "year", ["-700", "1999", ""]),
    ("/books/?sort=-year", "year", ["1999", "-700", ""]),
    ("/books/?sort=-author", "author", ["Ann Lee", "Ann Lee", "Zoë Ito"]),
    ("/books/?q=home&size=25", "title", ["'=Home", "A Home"]),
    ("/books/?language=eng", "isbn", ["9780261103573"]),
    ("/books/?country=GB", "publisher", ["", "'-Press"]),
    ("/authors/", "sort_name", ["Ito, Zoë", "Lee, Ann", "Lee, Bob"]),
    ("/authors/?country=GB&sort=-name", "bio", ["'=Bio", ""]),
    ("/authors/?q=zoe", "name", ["Zoë Ito"]),
]


@pytest.mark.usefixtures("shelf")
def test_a_list_leads_to_a_file_of_all_that_it_shows(client: Client) -> None:
    for url, column, values in SHOWN:
        assert [row[column] for row in file(client, link_on(client, url))] == values, url


@pytest.mark.usefixtures("shelf")
def test_the_columns_have_the_names_of_what_they_hold(client: Client) -> None:
    book, author = file(client, "/books/export.csv")[0], file(client, "/authors/export.csv")[0]
    assert list(author) == ["name", "sort_name", "country", "bio", "added"]
    assert " ".join(book) == "title author author_sort_name isbn year publisher language added"
    assert book["added"].endswith("Z")


@pytest.mark.usefixtures("shelf")
def test_a_browser_saves_it_under_a_name_with_the_day(client: Client) -> None:
    response = client.get("/books/export.csv")
    said = response.headers["Content-Disposition"]
    assert re.fullmatch(r"attachment; filename=books-\d{4}-\d\d-\d\d\.csv", said)
    assert response.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert response.headers["X-Content-Type-Options"] == "nosniff"


def test_a_file_is_refused_where_a_list_would_say_that_it_ignores_something(
    client: Client,
) -> None:
    for asked in ("sort=colour", "language=klingonese", "colour=red"):
        assert client.get(f"/books/export.csv?{asked}").status_code == 400


@pytest.mark.usefixtures("many")
def test_a_file_takes_one_connection(app: Flask, make_app: Callable[..., Flask]) -> None:
    options = app.config["SQLALCHEMY_ENGINE_OPTIONS"] | {"pool_size": 1, "pool_timeout": 0.5}
    client = make_app(SQLALCHEMY_ENGINE_OPTIONS=options).test_client()
    assert len(file(client, "/authors/export.csv")) == 6_000


@pytest.mark.usefixtures("many")
def test_who_asks_for_the_head_alone_keeps_no_connection(client: Client) -> None:
    response = client.head("/authors/export.csv")
    assert (response.status_code, response.data) == (200, b"")
    response.close()
    wait_until_all_connections_are_back()


def test_strangers_get_no_file(app: Flask) -> None:
    assert stranger(app).get("/books/export.csv").status_code == 302
