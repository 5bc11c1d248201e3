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
# By the words that hold what is looked for PostgreSQL finds the rows, see revision 0009; the key in
# which they are is looked at first.
HOLDING = "SELECT DISTINCT word FROM words_of_{table} WHERE word LIKE %s"
BY_WORDS = (
    "strpos({key}, %s) <> 0"
    " AND (string_to_array(sort_key, ' ') || string_to_array(author_key, ' ')) && %s"
)
EITHER_KEY = "(sort_key LIKE %s OR author_key LIKE %s)"


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
    words: Mapping[str, Sequence[str]]  # by text, on PostgreSQL

    def holding(self, text: str, key: str = "sort_key") -> tuple[str, list[Any]]:
        """The best condition that a book holds a text, which that key alone has, with its values.

        A database that does not know its words has to look into both.
        """
        if text not in self.words:
            return EITHER_KEY, [f"%{text}%"] * 2
        return BY_WORDS.format(key=key), [text, self.words[text]]

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
    searched = (by_whom, rare, of_whom, FREQUENT, VERY_FREQUENT, BESIDE)
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
        words={} if asker.is_sqlite else {one: _words(asker, one) for one in searched},
    )


def _words(asker: Asker, text: str) -> list[str]:
    """Those of titles and authors that hold a text."""
    either = " UNION ".join(HOLDING.format(table=table) for table in ("books", "authors"))
    return [word for (word,) in asker.ask(either, [f"%{text}%"] * 2)]


def _author_of(asker: Asker, count: int) -> int:
    """An author of about so many books."""
    counts = "SELECT author_id, count(*) AS many FROM books GROUP BY author_id"
    nearest = f"SELECT author_id FROM ({counts}) AS c ORDER BY abs(many - {count}) LIMIT 1"
    return int(asker.ask(nearest)[0][0])
