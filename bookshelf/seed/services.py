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
    """Add the authors whom no author is called like, then their books of which none has the
    title. A book whose ISBN belongs to another one by now is added without it.

    Either name will do, folded: an older revision may have proposed another name to sort by.
    """
    there, ids = _author_ids(), dict[str, int]()
    authors = list[Author]()
    for row in _rows("authors"):
        found = there.get(fold(row["sort_name"])) or there.get(fold(row["name"]))
        if not found:
            authors.append(author := create_author(**row))
            found = author.id
        ids[row["sort_name"]] = found
    present = set(db.session.execute(select(Book.title, Book.author_id)))
    books = [row for row in _rows("books") if (row["title"], ids[row["author"]]) not in present]
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


def _rows(table: str) -> Iterator[dict[str, Any]]:
    """The rows of a file beside this one; an empty cell is None."""
    with (Path(__file__).parent / f"{table}.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            yield {name: cell or None for name, cell in row.items()}
