"""What is done to books; the caller commits."""

from typing import NamedTuple

from bookshelf.authors import services as authors
from bookshelf.books.models import Book
from bookshelf.core.db import db
from bookshelf.core.problems import Stale, flushing
from bookshelf.core.records import add, change


class NewAuthor(NamedTuple):
    """The author of a book who is not in the catalogue yet."""

    name: str
    sort_name: str | None = None


MEANINGS = {
    "uq_books_isbn": ("Another book has this ISBN already.", "isbn"),
    "fk_books_author_id_authors": ("This author has just been deleted.", "author"),
}


def create_book(
    *,
    title: str,
    author: int | NewAuthor,
    isbn: str | None = None,
    year: int | None = None,
    publisher: str | None = None,
    language: str | None = None,
) -> Book:
    """Add a book by an author (an id, or one to be added with it).

    `isbn` has 13 digits, `language` is a code of ISO 639-3. Raises Problem for an ISBN in use.
    """
    book = _book(title, author, isbn, year, publisher, language)
    with flushing(MEANINGS):
        add(book)
    return book


def update_book(
    book: Book,
    *,
    version: int | None,
    title: str,
    author: int | NewAuthor,
    isbn: str | None = None,
    year: int | None = None,
    publisher: str | None = None,
    language: str | None = None,
) -> None:
    """Change a book as it stood at `version`; raises Stale where somebody else saved since."""
    if book.version != version:
        raise Stale
    wanted = _book(title, author, isbn, year, publisher, language)
    with flushing(MEANINGS):
        change(book, wanted)


def delete_book(book: Book) -> None:
    """Delete a book."""
    with flushing({}):
        db.session.delete(book)


def _book(
    title: str,
    author: int | NewAuthor,
    isbn: str | None,
    year: int | None,
    publisher: str | None,
    language: str | None,
) -> Book:
    """A new book, which is not stored yet; its author is, where there was none."""
    return Book(
        title=title,
        author_id=_author_id(author),
        isbn=isbn,
        year=year,
        publisher=publisher,
        language=language,
    )


def _author_id(author: int | NewAuthor) -> int:
    if isinstance(author, NewAuthor):
        return authors.create_author(**author._asdict()).id
    return author
