"""What is read about books."""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, bindparam, select
from sqlalchemy.orm import joinedload

from bookshelf.authors.models import Author
from bookshelf.books.isbn import isbn_of
from bookshelf.books.models import Book
from bookshelf.books.titles import possible_keys
from bookshelf.core import counting, keyset, ranking
from bookshelf.core.counting import Count
from bookshelf.core.db import NONE, AnyRow, AnySelect, db
from bookshelf.core.matching import Term, begins, begins_words, has_all
from bookshelf.core.vocabulary import having_all, looked_up

Years = tuple[int, int]  # the first and the last

SORTS: Mapping[str, keyset.Keys] = {
    "title": (Book.sort_key, Book.id),
    "author": (Book.author_key, Book.author_id, Book.sort_key, Book.id),
    "year": (Book.year, Book.sort_key, Book.id),
    "publisher": (Book.publisher, Book.id),
    "language": (Book.language, Book.sort_key, Book.id),
    "isbn": (Book.isbn, Book.sort_key, Book.id),
    "added": (Book.id,),
}
# Where books that lack something stand in the order of titles: together, in an index.
TOGETHER: Mapping[str, keyset.Keys] = {
    "isbn": SORTS["isbn"],
    "country": (Book.author_country, Book.sort_key, Book.id),
}
OF_ID = select(Book).where(Book.id == bindparam("id")).options(joinedload(Book.author))


def book(book_id: int) -> Book | None:
    """The book of that id, with its author."""
    return db.session.scalar(OF_ID, {"id": book_id})


def found(*, q: str = "", **narrowing: Any) -> Sequence[AnySelect]:
    """The ids of the books that a list has which is searched for `q` and narrowed as `_narrowed`.

    `q` is an ISBN, or words of which title and author together have all. Two selects may find the
    same book.
    """
    return _searched(_narrowed(**narrowing), q, looked_up(q, Book))


def _narrowed(
    *,
    author_id: int | None = None,
    country: str | None = None,
    language: str | None = None,
    years: Years | None = None,
    isbn: str | None = None,
) -> AnySelect:
    """The ids of books that have all that is given.

    `country` is the code of their author's, or NONE; `language` is a code; `isbn` may be NONE.
    """
    statement = select(Book.id)
    if author_id:
        statement = statement.where(Book.author_id == author_id)
    if country:
        statement = statement.where(Book.author_country == (None if country == NONE else country))
    if language:
        statement = statement.where(Book.language == language)
    if years:
        statement = statement.where(_in_years(years))
    return statement.where(Book.isbn.is_(None)) if isbn == NONE else statement


def _searched(books: AnySelect, q: str, terms: Sequence[Term]) -> list[AnySelect]:
    """Selects that together find those of the books which `q` means: an ISBN, or its terms."""
    with_all = having_all(books, Book, terms)
    number = isbn_of(q)
    return [with_all, books.where(Book.isbn == number)] if number else [with_all]


def _in_years(years: Years) -> ColumnElement[bool]:
    """Within years, both included; of a single one an index has the order by title too.

    A range has two ends: SQLite takes it for granted that one with a single end holds many rows.
    """
    first, last = years
    return Book.year == first if first == last else Book.year.between(first, last)


def page_of_books(
    *,
    q: str = "",
    sort: str = "title",
    at: keyset.Position = keyset.FIRST,
    **narrowing: Any,
) -> keyset.Page:
    """A page of the books that `found` gives for `q` and `narrowing`.

    Raises KeyError for an unknown sort, BadCursor.
    """
    if "author_id" in narrowing and sort == "author":
        sort = "title"  # the same order
    lacking = next((name for name in TOGETHER if narrowing.get(name) == NONE), "")
    empty = bool(lacking) and sort in ("title", lacking)
    keys = TOGETHER[lacking] if empty else SORTS[sort]
    at.values(keys)  # A bad cursor costs no look-up.
    books = found(q=q, **narrowing)
    return keyset.fetch(books, _rows(), keys, at, first_is_empty=empty)


def best(typed: str, terms: Sequence[Term], limit: int) -> Sequence[AnyRow]:
    """Books by how what was typed fits the title: as a whole, at the beginning, at those of words;
    then those of which title and author together have all words. None fits a blank. `terms` are
    those of what was typed, looked up.
    """
    keys = possible_keys(typed)
    if not keys[0]:
        return []
    any_book = select(Book.id)
    has_terms = has_all(Book, terms)
    tiers = (
        [any_book.where(Book.sort_key.in_(keys))],
        [any_book.where(begins(Book.sort_key, start), *has_terms) for start in _beginnings(keys)],
        [any_book.where(*begins_words(Book, terms))],
        _searched(any_book, typed, terms),
    )
    return ranking.best(_rows(), Book.sort_key, Book.id, tiers, limit)


def _beginnings(keys: Sequence[str]) -> list[str]:
    """The first key as it is, the others without the article that stands at their end."""
    return [keys[0], *(key.rpartition(" ")[0] for key in keys[1:])]


def book_row(book_id: int) -> AnyRow | None:
    """The book of that id as lists show it."""
    return db.session.execute(_rows().where(Book.id == book_id)).one_or_none()


def book_of_isbn(isbn: str) -> AnyRow | None:
    """The book that has these 13 digits, as lists show it."""
    return db.session.execute(_rows().where(Book.isbn == isbn)).one_or_none()


def total() -> Count:
    """How many books there are, or about how many."""
    return counting.total(Book)


def latest(limit: int) -> Sequence[AnyRow]:
    """The books added last, newest first."""
    return db.session.execute(_rows().order_by(Book.id.desc()).limit(limit)).all()


@cache
def _rows() -> AnySelect:
    """Plain columns rather than entities: a list needs no more, and costs less so."""
    return select(
        Book.id,
        Book.title,
        Book.isbn,
        Book.year,
        Book.publisher,
        Book.language,
        Book.created_at,
        Book.author_id,
        Author.name.label("author_name"),
        Author.sort_name.label("author_sort_name"),
    ).join(Book.author)
