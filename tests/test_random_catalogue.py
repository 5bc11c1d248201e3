"""`flask seed --random`: the same large catalogue on both databases, where nobody works."""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import Context
from itertools import islice
from typing import Any

import pytest
from click.testing import Result
from conftest import Place, ask, dispose
from flask import Flask
from flask_migrate import upgrade
from stdnum import isbn

from bookshelf.authors import countries
from bookshelf.authors.models import Author
from bookshelf.authors.services import create_author
from bookshelf.books import languages
from bookshelf.books.models import Book
from bookshelf.books.services import create_book
from bookshelf.core.db import db
from bookshelf.seed import random_catalogue

Create = Callable[[str], Place]

INDEXES = {
    "sqlite": "SELECT name, sql FROM sqlite_master WHERE type = 'index' ORDER BY name",
    "postgresql": "SELECT indexname, indexdef, attname, attstattarget FROM pg_indexes"
    " JOIN pg_attribute ON attrelid = to_regclass(quote_ident(indexname))"
    " WHERE schemaname = 'public' ORDER BY indexname, attnum",
}


@contextmanager
def shelf(create_place: Create, kind: str) -> Iterator[tuple[Place, Flask]]:
    """A new database, as statistics outlive the rows that they are of."""
    place = create_place(kind)
    app = place.app()
    with app.app_context():
        upgrade()
        yield place, app
        db.session.rollback()
    dispose(app)


@pytest.fixture(params=["sqlite", "postgresql"])
def empty(request: pytest.FixtureRequest, create_place: Create) -> Iterator[tuple[Place, Flask]]:
    with shelf(create_place, request.param) as found:
        yield found


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def filled(request: pytest.FixtureRequest, create_place: Create) -> Iterator[Place]:
    with shelf(create_place, request.param) as (place, app):
        result = seed(app, "--random", "40", "--books-per-author", "5")
        assert result.output == "Added 40 authors and 200 books.\n"
        yield place


def seed(app: Flask, *options: str) -> Result:
    """What comes of `flask seed`, which is no terminal here."""
    return Context().run(app.test_cli_runner().invoke, args=["seed", *options])


def rows(model: Any, fields: tuple[str, ...]) -> list[tuple[Any, ...]]:
    """The rows of a table by their ids, without what the database adds."""
    columns = [getattr(model, name) for name in fields]
    return [tuple(row) for row in db.session.execute(db.select(*columns).order_by(model.id))]


def test_both_databases_get_the_very_rows_of_the_generator(filled: Place) -> None:
    with filled.app().app_context():
        authors = rows(Author, random_catalogue.AuthorRow._fields)
        books = rows(Book, random_catalogue.BookRow._fields)
    assert authors == list(random_catalogue.authors(seed=1, count=40))
    assert books == list(random_catalogue.books(seed=1, count=200, authors=40))


def test_what_is_added_next_gets_the_next_ids(filled: Place) -> None:
    with filled.app().app_context():
        author = create_author(name="Ann Lee")
        book = create_book(title="Home", author=author.id)
        assert (author.id, book.id) == (41, 201)
        db.session.rollback()


def test_the_planner_knows_how_much_there_is(filled: Place) -> None:
    if filled.kind == "sqlite":
        stat = "SELECT stat FROM sqlite_stat1 WHERE idx = 'ix_books_sort_key_author_key'"
        assert ask(filled, stat)[0][0].split()[0] == "200"
    else:
        assert ask(filled, "SELECT reltuples FROM pg_class WHERE relname = 'books'") == [(200,)]


def test_every_index_is_there_afterwards(empty: tuple[Place, Flask]) -> None:
    place, app = empty
    before = ask(place, INDEXES[place.kind])
    assert seed(app, "--random", "3").exit_code == 0
    assert ask(place, INDEXES[place.kind]) == before
    assert ("ix_books_sort_key_author_key",) in [row[:1] for row in before]


def test_every_word_is_known_afterwards_and_each_that_comes_later(
    empty: tuple[Place, Flask],
) -> None:
    place, app = empty
    if place.kind == "sqlite":
        return
    for number in ("5", "3"):  # into an empty shelf, and to what is there
        assert seed(app, "--random", number, "--random-seed", number, "--force").exit_code == 0
        assert_words_are_known(place)
    create_book(title="Unheard of", author=create_author(name="Ann Unheard").id)
    db.session.commit()
    assert_words_are_known(place)


def assert_words_are_known(place: Place) -> None:
    """Each once, as nobody else has been writing."""
    for table in ("authors", "books"):
        keys = ask(place, f"SELECT sort_key FROM {table}")
        known = [word for (word,) in ask(place, f"SELECT word FROM words_of_{table}")]
        assert sorted(known) == sorted({word for (key,) in keys for word in key.split()})


def test_a_run_that_fails_leaves_everything_as_it_was(
    empty: tuple[Place, Flask], monkeypatch: pytest.MonkeyPatch
) -> None:
    place, app = empty
    before = ask(place, INDEXES[place.kind])

    books = random_catalogue.books
    monkeypatch.setattr(random_catalogue, "books", lambda **o: cut_short(books(**o)))
    assert seed(app, "--random", "3").exit_code == 1
    assert ask(place, "SELECT count(*) FROM authors") == [(0,)]
    assert ask(place, INDEXES[place.kind]) == before


def cut_short(rows: Iterator[random_catalogue.BookRow]) -> Iterator[random_catalogue.BookRow]:
    """The first rows, and then what Ctrl-C does."""
    yield from islice(rows, 5)
    raise KeyboardInterrupt


def test_a_shelf_that_people_use_is_left_alone_unless_told(empty: tuple[Place, Flask]) -> None:
    place, app = empty
    author = create_author(name="Ann Lee")
    taken = next(b.isbn for b in random_catalogue.books(seed=1, count=9, authors=3) if b.isbn)
    create_book(title="Home", author=author.id, isbn=taken)
    db.session.commit()
    refused = seed(app, "--random", "3")
    assert refused.exit_code == 1
    assert refused.output == (
        "Error: There are authors here already. Name an empty database in DATABASE_URL,"
        " or add the made-up ones to them: --force\n"
    )
    assert ask(place, "SELECT count(*) FROM authors") == [(1,)]
    assert seed(app, "--random", "3", "--force").output == "Added 3 authors and 30 books.\n"
    assert ask(place, "SELECT id, name FROM authors ORDER BY id")[0] == (1, "Ann Lee")
    assert ask(place, f"SELECT title FROM books WHERE isbn = '{taken}'") == [("Home",)]
    assert ask(place, "SELECT min(author_id), max(id) FROM books WHERE id > 1") == [(2, 31)]


def test_production_is_left_alone_unless_told(empty: tuple[Place, Flask]) -> None:
    place, _ = empty
    app = place.app(BOOKSHELF_ENV="production")
    refused = seed(app, "--random", "3")
    assert refused.exit_code == 1
    assert refused.output.startswith("Error: This is production.")
    assert seed(app, "--random", "3", "--force").exit_code == 0


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--random", "0"], "0 is not in the range"),
        (["--random", "3", "--books-per-author", "-1"], "-1 is not in the range"),
        (["--random", "3", "--first-run"], "--first-run adds the small catalogue"),
    ],
)
def test_options_that_make_no_sense_are_refused(
    options: list[str], said: str, create_place: Create
) -> None:
    refused = seed(create_place("sqlite").app(), *options)
    assert refused.exit_code == 2
    assert said in refused.output


def test_authors_without_books_can_be_asked_for(empty: tuple[Place, Flask]) -> None:
    _, app = empty
    assert seed(app, "--random", "3", "--books-per-author", "0").exit_code == 0
    assert create_book(title="Home", author=3).id == 1


def test_another_seed_makes_another_catalogue() -> None:
    ours, theirs = (list(random_catalogue.authors(seed=n, count=9)) for n in (1, 2))
    assert {row.name for row in ours} != {row.name for row in theirs}
    books, again = (list(random_catalogue.books(seed=1, count=9, authors=3)) for _ in range(2))
    assert books == again


def test_everything_made_up_could_have_been_typed() -> None:
    for author in random_catalogue.authors(seed=1, count=2_000):
        assert len(author.name) <= 300 >= len(author.sort_name)
        assert author.country is None or countries.is_code(author.country)
    books = list(random_catalogue.books(seed=1, count=20_000, authors=2_000))
    numbers = [book.isbn for book in books if book.isbn]
    assert len(set(numbers)) == len(numbers) > 8_000
    assert all(map(isbn.is_valid, numbers))
    for book in books:
        assert len(book.title) <= 1000
        assert book.language is None or languages.is_code(book.language)
        assert book.year is None or -4000 <= book.year <= 2026
        assert book.sort_key


def test_it_is_as_uneven_as_life() -> None:
    authors = list(random_catalogue.authors(seed=1, count=2_000))
    books = list(random_catalogue.books(seed=1, count=20_000, authors=2_000))
    by_author = Counter(book.author_id for book in books).most_common()
    assert by_author[0][1] > 50 * 10  # fifty times the average
    assert by_author[len(by_author) // 2][1] < 10
    by_country = Counter(author.country for author in authors)
    assert by_country["US"] > 2 * by_country["CA"] > 0 < by_country[None]
    titles = [book.title for book in books]
    assert max(map(len, titles)) > 500
    assert sum(not title.isascii() for title in titles) > 2_000
    for name in ("isbn", "year", "publisher", "language"):
        lacking = sum(getattr(book, name) is None for book in books)
        assert 200 < lacking < 12_000, name


def test_the_books_of_an_author_are_mostly_in_one_language() -> None:
    books = [b for b in random_catalogue.books(seed=1, count=20_000, authors=20) if b.language]
    for author in range(1, 21):
        spoken = Counter(book.language for book in books if book.author_id == author)
        assert spoken.most_common(1)[0][1] > 0.9 * spoken.total()
