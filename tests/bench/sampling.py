"""What the pages of a bench are about: a record, a cursor, words that are rare or frequent."""

from typing import Any, NamedTuple

from bench.asking import Asker
from bench.filling import Shelf
from bookshelf.core.keyset import encode
from bookshelf.core.text import words

BOOK_KEYS = "b.sort_key, b.id"
AUTHOR_KEYS = "a.sort_key, a.id"
FREQUENT = "river"
# What the index of a search is over: on PostgreSQL the key between blanks, see revision 0007.
SEARCHED = {"postgresql": "(' ' || sort_key || ' ')", "sqlite": "sort_key"}


class Sample(NamedTuple):
    """Rows of one database, by what is measured with them."""

    middle_author: list[Any]
    last_author: list[Any]
    middle_book: list[Any]
    last_book: list[Any]
    middle_by_author: list[Any]
    middle_by_year: list[Any]
    rare: str
    by_whom: str
    of_whom: str
    of_many: int
    of_few: int
    searched: str

    def cursor(self, name: str) -> str:
        """The cursor of a row, as links between pages carry it."""
        return encode(getattr(self, name))


def sample(shelf: Shelf, asker: Asker) -> Sample:
    """Look for them."""

    def row(keys: str, source: str, order: str, number: int = 0) -> list[Any]:
        statement = f"SELECT {keys} FROM {source} ORDER BY {order} LIMIT 1 OFFSET {number}"
        return list(asker.ask(statement)[0])

    by_author = row(f"{AUTHOR_KEYS}", "authors a", AUTHOR_KEYS, shelf.authors // 2)
    up_to = f"authors a WHERE a.id <= {by_author[-1]} AND EXISTS"  # the first has the most books
    with_books = f"{up_to} (SELECT 1 FROM books b WHERE b.author_id = a.id)"
    key, few = row("a.sort_key, a.id", with_books, "a.id DESC")
    theirs = row(BOOK_KEYS, f"books b WHERE b.author_id = {few}", BOOK_KEYS)
    place = row("b.title", "books b WHERE b.title LIKE 'A History of %%'", "b.id")[0]
    year = "b.year, b.sort_key, b.id"
    return Sample(
        middle_author=by_author,
        last_author=row(AUTHOR_KEYS, "authors a", "a.sort_key DESC, a.id DESC"),
        middle_book=row(BOOK_KEYS, "books b", BOOK_KEYS, shelf.books // 2),
        last_book=row(BOOK_KEYS, "books b", "b.sort_key DESC, b.id DESC"),
        middle_by_author=[key, few, *theirs],
        middle_by_year=row(year, "books b WHERE b.year IS NOT NULL", year, shelf.books // 2),
        rare=words(place)[-1],
        by_whom=words(key)[0],
        of_whom=words(theirs[0])[0],
        of_many=_author_of(asker, min(1000, shelf.books // 20)),
        of_few=few,
        searched=SEARCHED[shelf.kind],
    )


def _author_of(asker: Asker, count: int) -> int:
    """An author of about so many books."""
    counts = "SELECT author_id, count(*) AS many FROM books GROUP BY author_id"
    nearest = f"SELECT author_id FROM ({counts}) AS c ORDER BY abs(many - {count}) LIMIT 1"
    return int(asker.ask(nearest)[0][0])
