"""What the pages of a bench are about: a record, a cursor, words that are rare or frequent."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from bench.asking import Asker
from bench.filling import Shelf
from bookshelf.core.keyset import encode
from bookshelf.core.text import words

BOOK_KEYS = "b.sort_key, b.id"
AUTHOR_KEYS = "a.sort_key, a.id"
FREQUENT, VERY_FREQUENT, BESIDE = "river", "the", "silent"
# By the words that hold what is looked for PostgreSQL finds the rows, see revision 0008.
HOLDING = "SELECT DISTINCT word FROM words_of_{table} WHERE word LIKE %s"
BY_WORDS = "strpos(sort_key, %s) > 0 AND string_to_array(sort_key, ' ') && %s"


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
    words: Mapping[tuple[str, str], Sequence[str]]  # by table and text, on PostgreSQL

    def holding(self, table: str, text: str) -> tuple[str, list[Any]]:
        """The best condition that a key of a table holds a text, with its values."""
        if (table, text) not in self.words:
            return "sort_key LIKE %s", [f"%{text}%"]
        return BY_WORDS, [text, self.words[table, text]]

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
    rare, by_whom, of_whom = words(place)[-1], words(key)[0], words(theirs[0])[0]
    of_books = (rare, of_whom, FREQUENT, VERY_FREQUENT, BESIDE)
    searched = [("authors", by_whom), *(("books", text) for text in of_books)]
    return Sample(
        middle_author=by_author,
        last_author=row(AUTHOR_KEYS, "authors a", "a.sort_key DESC, a.id DESC"),
        middle_book=row(BOOK_KEYS, "books b", BOOK_KEYS, shelf.books // 2),
        last_book=row(BOOK_KEYS, "books b", "b.sort_key DESC, b.id DESC"),
        middle_by_author=[key, few, *theirs],
        middle_by_year=row(year, "books b WHERE b.year IS NOT NULL", year, shelf.books // 2),
        rare=rare,
        by_whom=by_whom,
        of_whom=of_whom,
        of_many=_author_of(asker, min(1000, shelf.books // 20)),
        of_few=few,
        words={} if asker.is_sqlite else {one: _words(asker, *one) for one in searched},
    )


def _words(asker: Asker, table: str, text: str) -> list[str]:
    """Those of a table that hold a text."""
    return [word for (word,) in asker.ask(HOLDING.format(table=table), [f"%{text}%"])]


def _author_of(asker: Asker, count: int) -> int:
    """An author of about so many books."""
    counts = "SELECT author_id, count(*) AS many FROM books GROUP BY author_id"
    nearest = f"SELECT author_id FROM ({counts}) AS c ORDER BY abs(many - {count}) LIMIT 1"
    return int(asker.ask(nearest)[0][0])
