"""`flask seed`: what it adds, and all that it leaves alone."""

from collections import Counter
from collections.abc import Callable
from contextvars import Context
from pathlib import Path
from typing import Any

import pytest
from conftest import HEAD, Place, run_flask
from flask import Flask
from house import HousekeepingClient as Client
from house import text_of
from sqlalchemy import make_url
from stdnum import isbn

from bookshelf.authors import countries
from bookshelf.authors.models import Author
from bookshelf.authors.services import create_author, delete_author
from bookshelf.books import languages
from bookshelf.books.models import Book
from bookshelf.books.services import create_book, delete_book
from bookshelf.core.db import db

Create = Callable[[str], Place]

TUTORIALS = {
    "J. R. R. Tolkien": {
        *("The Hobbit", "The Fellowship of the Ring", "The Two Towers", "The Return of the King")
    },
    "George R. R. Martin": {"A Game of Thrones", "A Clash of Kings"},
    "J. K. Rowling": {"Harry Potter and the Philosopher’s Stone"},
}


def seed(app: Flask, *options: str) -> str:
    """What `flask seed` says."""
    db.session.commit()
    result = Context().run(app.test_cli_runner().invoke, args=["seed", *options])
    assert result.exit_code == 0, result.output
    return result.output


def shelf() -> dict[str, list[tuple[Any, ...]]]:
    """All rows, as they now stand."""
    db.session.commit()
    return {
        model.__name__: [
            tuple(row)
            for row in db.session.execute(db.select(*model.__table__.columns).order_by(model.id))
        ]
        for model in (Author, Book)
    }


def book(title: str) -> Book:
    found: Book = db.session.scalars(db.select(Book).where(Book.title == title)).one()
    return found


@pytest.fixture
def seeded(app: Flask) -> Flask:
    seed(app)
    return app


def test_seeding_twice_gives_the_same_shelf(app: Flask) -> None:
    first = seed(app)
    before = shelf()
    authors, books = len(before["Author"]), len(before["Book"])
    assert first == f"Added {authors} authors and {books} books.\n"
    assert seed(app) == "Added 0 authors and 0 books.\n"
    assert shelf() == before


@pytest.mark.usefixtures("seeded")
def test_the_shelf_is_worth_looking_around_in() -> None:
    authors, books = db.session.scalars(db.select(Author)).all(), db.session.query(Book).all()
    assert 38 <= len(authors) <= 50
    assert 150 <= len(books) <= 170
    assert len({author.country for author in authors}) >= 25
    assert {author.id for author in authors} == {book.author_id for book in books}


@pytest.mark.usefixtures("seeded")
def test_the_tutorials_authors_are_there_with_their_books() -> None:
    wanted = {title for titles in TUTORIALS.values() for title in titles}
    assert len(wanted) == 7
    for name, titles in TUTORIALS.items():
        author = db.session.scalars(db.select(Author).where(Author.name == name)).one()
        stored = {row.title.replace("'", "’") for row in author.books}
        assert titles <= stored


@pytest.mark.usefixtures("seeded")
def test_every_isbn_and_every_code_is_right() -> None:
    books = db.session.query(Book).all()
    numbers = [row.isbn for row in books if row.isbn]
    assert len(numbers) > 20
    for number in numbers:
        assert isbn.validate(number) == number
        assert len(number) == 13
    codes = [row.country for row in db.session.query(Author) if row.country]
    assert all(countries.is_code(code) for code in codes)
    assert all(languages.is_code(row.language) for row in books if row.language)


@pytest.mark.usefixtures("seeded")
def test_no_author_and_no_title_of_an_author_is_there_twice() -> None:
    assert max(Counter(row.sort_name for row in db.session.query(Author)).values()) == 1
    titles = Counter((row.title, row.author_id) for row in db.session.query(Book))
    assert max(titles.values()) == 1


def test_every_seeded_page_can_be_looked_at(seeded: Flask, client: Client) -> None:
    for url in ("/", "/authors/", "/books/", "/books/?sort=-year", "/api/authors"):
        assert client.get(url).status_code == 200
    hobbit = book("The Hobbit")
    assert "J. R. R. Tolkien" in text_of(client.get(f"/books/{hobbit.id}").text)


def test_what_people_edited_stays_as_they_left_it(seeded: Flask) -> None:
    hobbit = book("The Hobbit")
    tolkien = hobbit.author
    tolkien.name, tolkien.bio, tolkien.country = "Tolkien", "Ours.", "ZA"
    hobbit.year, hobbit.isbn, hobbit.publisher = 1938, None, "Houghton Mifflin"
    before = shelf()
    assert seed(seeded) == "Added 0 authors and 0 books.\n"
    assert shelf() == before


def test_a_deleted_book_comes_back(seeded: Flask) -> None:
    number = book("The Hobbit").isbn
    delete_book(book("The Hobbit"))
    assert seed(seeded) == "Added 0 authors and 1 books.\n"
    assert book("The Hobbit").isbn == number


def test_a_deleted_author_comes_back_with_the_books(seeded: Flask) -> None:
    tolkien = book("The Hobbit").author
    count = len(tolkien.books)
    for row in list(tolkien.books):
        delete_book(row)
    delete_author(tolkien)
    assert seed(seeded) == f"Added 1 authors and {count} books.\n"
    assert book("The Hobbit").author.name == "J. R. R. Tolkien"


def test_a_book_whose_isbn_was_given_to_another_is_added_without_it(seeded: Flask) -> None:
    hobbit = book("The Hobbit")
    number, other = hobbit.isbn, book("A Game of Thrones").author_id
    delete_book(hobbit)
    create_book(title="The Hobbit, illustrated", author=other, isbn=number)
    assert seed(seeded) == "Added 0 authors and 1 books.\n"
    assert book("The Hobbit").isbn is None
    assert book("The Hobbit, illustrated").isbn == number


def test_a_book_whose_title_was_corrected_is_known_by_its_isbn(seeded: Flask) -> None:
    book("The Hobbit").title = "The Hobbit, or There and Back Again"
    assert seed(seeded) == "Added 0 authors and 0 books.\n"


def test_what_people_added_before_stays_and_is_built_upon(app: Flask) -> None:
    tolkien = create_author(name="John Tolkien", sort_name="Tolkien, J. R. R.", bio="Ours.")
    hobbit = create_book(title="The Hobbit", author=tolkien.id, year=1)
    ours = shelf()
    seed(app)
    everything = shelf()
    assert [rows[0] for rows in everything.values()] == [rows[0] for rows in ours.values()]
    assert book("The Two Towers").author_id == tolkien.id
    assert book("The Hobbit").id == hobbit.id


def test_authors_whose_sort_name_another_revision_proposed_are_not_added_twice(app: Flask) -> None:
    create_author(name="J. R. R. Tolkien", sort_name="R. Tolkien, J. R.")
    create_author(name="TOLKIEN", sort_name="martin, george r. r.")
    seed(app)
    names = Counter(db.session.scalars(db.select(Author.name)))
    assert names["J. R. R. Tolkien"] == names["TOLKIEN"] == 1
    assert names["George R. R. Martin"] == 0


@pytest.mark.parametrize("revision", ["base", "0002"])
def test_a_database_that_is_behind_is_said_in_one_line(
    revision: str, empty_place: Place, checkout: Path
) -> None:
    if revision != "base":
        run_flask(checkout, empty_place, f"db upgrade {revision}")
    stands = "no revision" if revision == "base" else revision
    said = run_flask(checkout, empty_place, "seed", status=1)
    needed = f"the code needs {HEAD}: run `flask db upgrade`."
    assert said == f"Error: The database is at {stands}, {needed}\n"


def test_a_database_that_is_away_is_said_in_one_line(checkout: Path) -> None:
    url = "postgresql://ann:s3cret@127.0.0.1:1/shelf"
    said = run_flask(checkout, Place("postgresql", url, url), "seed", status=1)
    assert said.startswith("Error: ")
    assert said.count("\n") == 1
    assert "s3cret" not in said


def misled(place: Place, changed: dict[str, Any]) -> Place:
    """The same server under a URL that leads nowhere."""
    url = make_url(place.migrating).set(**changed).render_as_string(hide_password=False)
    return Place(place.kind, url, url)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"password": "s3cret"}, "password authentication failed"),
        ({"database": "nowhere"}, 'database "nowhere" does not exist'),
        ({"host": "nowhere.invalid"}, "could not translate host name"),
    ],
)
def test_a_server_that_cannot_be_used_is_said_in_one_line(
    changed: dict[str, str], said: str, create_place: Create, checkout: Path
) -> None:
    place = misled(create_place("postgresql"), changed)
    printed = run_flask(checkout, place, "seed", status=1)
    assert printed.startswith("Error: ")
    assert said in printed
    assert printed.count("\n") == 1
    assert "s3cret" not in printed


def test_a_file_that_is_no_database_is_said_in_one_line(checkout: Path, tmp_path: Path) -> None:
    file = tmp_path / "diary.db"
    file.write_text("Dear diary, today I learned SQL.\n" * 99)
    place = Place("sqlite", f"sqlite:///{file}", f"sqlite:///{file}")
    assert run_flask(checkout, place, "seed", status=1) == "Error: file is not a database\n"


def test_of_two_authors_of_one_name_the_first_gets_the_books(app: Flask) -> None:
    first, _ = (create_author(name="J. R. R. Tolkien") for _ in range(2))
    seed(app)
    assert book("The Hobbit").author_id == first.id


@pytest.mark.parametrize("default", [True, False])
@pytest.mark.parametrize("empty", [True, False])
def test_a_first_run_fills_only_an_empty_default_file(
    app: Flask, make_app: Callable[..., Flask], default: bool, empty: bool
) -> None:
    if not empty:
        create_author(name="Ann Lee")
    before = shelf()
    said = seed(make_app(DEFAULT_DATABASE=default), "--first-run")
    assert (shelf() != before) is (default and empty)
    assert bool(said) is (default and empty)
