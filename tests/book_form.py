"""The form of a new book: filled in, sent again, and what the catalogue then holds."""

from typing import Any

from house import HousekeepingClient as Client
from house import form_of, read
from werkzeug.test import TestResponse

from bookshelf.authors.models import Author
from bookshelf.books.models import Book
from bookshelf.core.db import db

NEW = "/books/new"
HOBBIT = "9780261103283"
TYPED = {
    "title": "A book",
    "author": "Lee, Ann",
    "isbn": "9780261103573",
    "year": "1954",
    "publisher": "Allen & Unwin",
    "language": "English",
}


def only_book() -> Book:
    """The one book in the catalogue, as the database now has it."""
    db.session.expire_all()
    found: Book = db.session.scalars(db.select(Book)).one()
    return found


def catalogue() -> tuple[int, int]:
    """How many authors and how many books there are."""
    db.session.commit()
    counts = [db.session.query(model).count() for model in (Author, Book)]
    return counts[0], counts[1]


def choices(page: TestResponse) -> list[str]:
    """The values of the radio buttons."""
    elements = read(page.text).elements
    return [str(a["value"]) for tag, a in elements if a.get("type") == "radio"]


def again(client: Client, page: TestResponse, **changed: Any) -> TestResponse:
    """Send the form that was drawn again, with some of it changed."""
    return client.post(NEW, data=form_of(page.text) | changed)
