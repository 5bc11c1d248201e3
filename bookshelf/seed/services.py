"""Adding what is missing of a small catalogue, and changing nothing that is there."""

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from sqlalchemy import select

from bookshelf.authors.models import Author
from bookshelf.authors.services import create_author
from bookshelf.books.models import Book
from bookshelf.books.services import create_book
from bookshelf.core.db import db
from bookshelf.core.text import fold


class Added(NamedTuple):
    """How many rows were missing."""

    authors: int
    books: int


def add_missing() -> Added:
    """Add the authors whom no author is called like, then those of their books of which they have
    neither title nor ISBN. A book whose ISBN belongs to another author by now is added without it.

    Either name will do, folded: an older revision may have proposed another name to sort by.
    """
    there, ids = _author_ids(), dict[str, int]()
    authors = list[Author]()
    present = _marks_of_books()
    for row in _rows("authors"):
        found = there.get(fold(row["sort_name"])) or there.get(fold(row["name"]))
        if not found:
            authors.append(author := create_author(**row))
            found = author.id
        ids[row["sort_name"]] = found
    books = [row for row in _rows("books") if _marks(row, ids[row["author"]]).isdisjoint(present)]
    taken = set(db.session.scalars(select(Book.isbn)))
    for row in books:
        year, isbn = row["year"], row["isbn"]
        known = {"year": int(year) if year else None, "isbn": None if isbn in taken else isbn}
        create_book(**row | known | {"author": ids[row["author"]]})
    return Added(len(authors), len(books))


def _author_ids() -> dict[str, int]:
    """The author of each name and each name to sort by, folded; of several the first."""
    columns = select(Author.name, Author.sort_name, Author.id).order_by(Author.id.desc())
    ids = dict[str, int]()
    for name, sort_name, author_id in db.session.execute(columns):
        ids |= {fold(name): author_id, fold(sort_name): author_id}
    return ids


def _marks(row: dict[str, Any], author_id: int) -> set[tuple[str, int]]:
    """What tells that a book of an author is there: its title, or its ISBN if the title changed."""
    return {(row[name], author_id) for name in ("title", "isbn") if row[name]}


def _marks_of_books() -> set[tuple[str, int]]:
    rows = db.session.execute(select(Book.title, Book.isbn, Book.author_id))
    return {mark for row in rows for mark in _marks(row._asdict(), row.author_id)}


def _rows(table: str) -> Iterator[dict[str, Any]]:
    """The rows of a file beside this one; an empty cell is None."""
    with (Path(__file__).parent / f"{table}.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            yield {name: cell or None for name, cell in row.items()}
