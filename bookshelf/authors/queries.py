"""What is read about authors."""

from collections.abc import Mapping, Sequence
from functools import cache
from itertools import islice
from typing import TYPE_CHECKING, cast

from sqlalchemy import Integer, Label, String, bindparam, func, select
from sqlalchemy.orm import with_parent

from bookshelf.authors.models import Author
from bookshelf.authors.names import in_order, propose_sort_name
from bookshelf.core import counting, keyset, ranking
from bookshelf.core.counting import Count
from bookshelf.core.db import NONE, AnyRow, AnySelect, db
from bookshelf.core.matching import Term, begins, begins_words
from bookshelf.core.text import fold
from bookshelf.core.vocabulary import has_whole_words, having_all, looked_up

if TYPE_CHECKING:
    from bookshelf.books.models import Book

SORTS: Mapping[str, keyset.Keys] = {
    "name": (Author.sort_key, Author.id),
    "country": (Author.country, Author.sort_key, Author.id),
    "added": (Author.id,),
}

OF_ID = select(Author).where(Author.id == bindparam("id"))  # Session.get makes it anew each time
COLUMNS = (Author.id, Author.name, Author.sort_name, Author.bio, Author.country, Author.created_at)
MOST_BOOKS = 1_000  # an author's books are counted so far on lists
MOST_ALIKE = 500  # names that are compared letter by letter


def author(author_id: int) -> Author | None:
    """The author of that id."""
    return db.session.scalar(OF_ID, {"id": author_id})


def author_row(author_id: int) -> AnyRow | None:
    """The author of that id as lists show them, with a count of `books` up to MOST_BOOKS + 1."""
    return db.session.execute(_listed().where(Author.id == author_id)).one_or_none()


def found(*, q: str = "", country: str | None = None) -> Sequence[AnySelect]:
    """The ids of authors whose name has all words of `q`, of one country: its code, or NONE."""
    authors = select(Author.id)
    if country:
        authors = authors.where(Author.country == (None if country == NONE else country))
    return [having_all(authors, Author, looked_up(q, Author))]


def page_of_authors(
    *,
    q: str = "",
    country: str | None = None,
    sort: str = "name",
    at: keyset.Position = keyset.FIRST,
) -> keyset.Page:
    """A page of the authors that `found` gives, each with a count of `books` up to MOST_BOOKS + 1.

    Raises KeyError for an unknown sort, BadCursor.
    """
    if country == NONE and sort == "name":
        sort = "country"  # the same order, and that of the index in which they stand together
    empty = country == NONE and sort == "country"
    at.values(SORTS[sort])  # A bad cursor costs no look-up.
    of = found(q=q, country=country)
    return keyset.fetch(of, _listed(), SORTS[sort], at, first_is_empty=empty)


@cache
def _listed() -> AnySelect:
    """What lists show of any author."""
    return select(*COLUMNS, _books_up_to_most())


def _books_up_to_most() -> Label[int]:
    """How many books an author has; the index of books by their author is enough."""
    book = _book()
    theirs = select(book.id).where(book.author_id == Author.id).limit(MOST_BOOKS + 1)
    counted = select(func.count()).select_from(theirs.correlate(Author).subquery())
    return counted.scalar_subquery().label("books")


def best(typed: str, terms: Sequence[Term], limit: int) -> Sequence[AnyRow]:
    """Authors by how what was typed fits: as a whole, at the beginning, at those of words, inside.

    Each with a count of `books` up to MOST_BOOKS + 1. Nobody fits a blank. `terms` are those of
    what was typed, looked up.
    """
    keys = list(dict.fromkeys((fold(typed), fold(propose_sort_name(typed)))))
    if not keys[0]:
        return []
    any_author = select(Author.id)
    tiers = (
        [any_author.where(Author.sort_key.in_(keys))],
        [any_author.where(begins(Author.sort_key, key)) for key in keys],
        [any_author.where(*begins_words(Author, terms))],
        [having_all(any_author, Author, terms)],
    )
    return ranking.best(_offered(), Author.sort_key, Author.id, tiers, limit)


def offered(typed: str, limit: int) -> Sequence[AnyRow]:
    """The `best`, but those who begin so are enough for most who type, and quicker found."""
    key = fold(typed)
    if len(key.split()) == 1:
        given = {"start": key, "most": limit}
        rows = db.session.connection().execute(_offered_first(), given).all()
        if len(rows) == limit:
            return rows  # by their keys, so that who is called just so comes first
    return best(typed, looked_up(typed, Author), limit)


@cache
def _offered_first() -> AnySelect:
    """Those whose keys begin with :start, at :most so many; asked at every letter, so made once."""
    begin_so = _offered().where(begins(Author.sort_key, bindparam("start", type_=String)))
    return begin_so.order_by(*SORTS["name"]).limit(bindparam("most", type_=Integer))


@cache
def _offered() -> AnySelect:
    """What a picker, a form and a search show of any author."""
    columns = (Author.id, Author.name, Author.sort_name, Author.country)
    return select(*columns, _books_up_to_most())


def fitting(name: str) -> Sequence[AnyRow]:
    """Authors called exactly that; else those with words that begin so."""
    return called(name) or beginning(name)


def called(name: str, limit: int = 100) -> Sequence[AnyRow]:
    """Authors called exactly that, by their name or their name to sort by, in either order.

    Among the MOST_ALIKE whose keys are nearest: those that begin so, then those with its words.
    """
    keys = {fold(name), fold(in_order(name)), fold(propose_sort_name(name))}
    any_author = select(Author.id)
    tiers = (
        [any_author.where(begins(Author.sort_key, key)) for key in keys],
        [any_author.where(*has_whole_words(Author, name))],
    )
    rows = ranking.best(_offered(), Author.sort_key, Author.id, tiers, MOST_ALIKE)
    # The sort key holds the words of both names, but not which of them make up one.
    exact = (row for row in rows if keys & {fold(row.name), fold(row.sort_name)})
    return list(islice(exact, limit))


def beginning(name: str, limit: int = 12) -> Sequence[AnyRow]:
    """Authors of whose names some words begin so."""
    terms = looked_up(name, Author)
    statement = _offered().where(*begins_words(Author, terms)).order_by(*SORTS["name"])
    return db.session.execute(statement.limit(limit)).all()


def books_of_row(row: AnyRow) -> Count:
    """How many books an author has, or that there are more than MOST_BOOKS."""
    books: int = row.books
    return Count(min(books, MOST_BOOKS), more=books > MOST_BOOKS)


def books_of(author: Author) -> tuple[Sequence["Book"], Count]:
    """The first books of an author by title, and how many there are, or more than MOST_BOOKS."""
    book = _book()
    theirs = select(book).where(with_parent(author, Author.books))
    theirs = theirs.order_by(book.sort_key, book.id)
    first = db.session.scalars(theirs.limit(keyset.SIZE)).all()
    if len(first) < keyset.SIZE:
        return first, Count(len(first))
    return first, counting.up_to([theirs], MOST_BOOKS)


def _book() -> type["Book"]:
    return cast(type["Book"], Author.books.property.mapper.class_)


def total() -> Count:
    """How many authors there are, or about how many."""
    return counting.total(Author)


def latest(limit: int) -> Sequence[AnyRow]:
    """The authors added last, newest first."""
    return db.session.execute(select(*COLUMNS).order_by(Author.id.desc()).limit(limit)).all()
