"""What the pages of a bench are about: a record, a cursor, words that are rare or frequent."""

import timeit
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

from bench.asking import Asker
from bench.filling import BOOKS_EACH, Shelf
from bookshelf.core.keyset import encode
from bookshelf.core.text import words
from bookshelf.schema.search import OF_ROWS, PLACE

BOOK_KEYS = "b.sort_key, b.id"
AUTHOR_KEYS = "a.sort_key, a.id"
FREQUENT, VERY_FREQUENT = "river", "the"
# By the words that hold what is looked for PostgreSQL finds the rows, see revisions 0009 and 0010.
HOLDING = "SELECT DISTINCT word FROM words_of_{table} WHERE word LIKE %s"
HELD = "strpos({key}, %s) <> 0 AND {words} && %s"
WORDS = OF_ROWS["books"]["ix_books_words"].words
PLACED = OF_ROWS["books"]["ix_books_places"].words
EITHER_KEY = "(sort_key LIKE %s OR author_key LIKE %s)"
FOUND = "SELECT {what} FROM books WHERE {where} ORDER BY sort_key, id LIMIT 51"
HOLDS = "SELECT w.word FROM words_of_{table} w WHERE w.word LIKE '%' || few.word || '%'"
RARE = f"""SELECT word FROM (
    SELECT word FROM words_of_books WHERE length(word) > 9 ORDER BY md5(word) LIMIT 5000
) AS few ORDER BY abs(40 - (SELECT count(*) FROM books WHERE {WORDS} && ARRAY(
    {HOLDS.format(table="books")} UNION {HOLDS.format(table="authors")}
))) LIMIT 1"""
PAIR = f"""SELECT by_whom, of_whom FROM (
    SELECT split_part(author_key, ' ', 1) AS by_whom, split_part(sort_key, ' ', 1) AS of_whom
    FROM books ORDER BY id DESC LIMIT 500
) AS few WHERE by_whom ~ '^[a-z]{{5,}}$' AND of_whom ~ '^[a-z]{{5,}}$'
ORDER BY abs(5 - (SELECT count(*) FROM books WHERE {WORDS} @> ARRAY[by_whom, of_whom])) LIMIT 1"""

Condition = tuple[str, Sequence[Any]]  # SQL, and its values


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
    searched: Mapping[Sequence[str], Condition]  # the best condition for what is typed

    def cursor(self, name: str) -> str:
        """The cursor of a row, as links between pages carry it."""
        return encode(getattr(self, name))


def sample(shelf: Shelf, asker: Asker) -> Sample:
    """Look for them."""

    def row(keys: str, source: str, order: str, number: int = 0) -> list[Any]:
        statement = f"SELECT {keys} FROM {source} ORDER BY {order} LIMIT 1 OFFSET {number}"
        return list(asker.ask(statement)[0])

    by_author = row(f"{AUTHOR_KEYS}", "authors a", AUTHOR_KEYS, shelf.authors // 2)
    few = _author_of(asker, BOOKS_EACH)
    [key] = row("a.sort_key", f"authors a WHERE a.id = {few}", "a.id")
    theirs = row(BOOK_KEYS, f"books b WHERE b.author_id = {few}", BOOK_KEYS)
    year = "b.year, b.sort_key, b.id"
    rare, (by_whom, of_whom) = _rare(asker), _pair(asker, key, theirs[0])
    searches: dict[tuple[str, ...], Sequence[str]] = {
        **{(word,): ["sort_key"] for word in (rare, FREQUENT, VERY_FREQUENT)},
        (FREQUENT, VERY_FREQUENT): ["sort_key", "sort_key"],
        (by_whom, of_whom): ["author_key", "sort_key"],
    }
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
        searched={typed: _best(asker, typed, keys) for typed, keys in searches.items()},
    )


def _rare(asker: Asker) -> str:
    """A part of words of about 40 books, where a database knows words; else a word of few."""
    if asker.is_sqlite:
        [[title]] = asker.ask(
            "SELECT title FROM books WHERE title LIKE 'A History of %' ORDER BY id LIMIT 1"
        )
        return words(title)[-1]
    [[word]] = asker.ask(RARE)
    return str(word)


def _pair(asker: Asker, author: str, title: str) -> tuple[str, str]:
    """A word of an author and one of a title, of about 5 books, where a database knows words."""
    if asker.is_sqlite:
        return words(author)[0], words(title)[0]
    [(by_whom, of_whom)] = asker.ask(PAIR)
    return by_whom, of_whom


def _best(asker: Asker, typed: Sequence[str], keys: Sequence[str]) -> Condition:
    """The best condition that books hold what is typed, each part in the key that alone has it.

    A database that does not know its words has to look into both. One that does is asked by all
    words, and by those in the places where the first rows stand; the quicker way counts.
    """
    if asker.is_sqlite:
        either = " AND ".join([EITHER_KEY] * len(typed))
        return either, [f"%{text}%" for text in typed for _ in range(2)]
    words = [_words(asker, text) for text in typed]
    anywhere = _held(typed, keys, WORDS, words)
    first = asker.ask(
        FOUND.format(what=PLACE.format(key="sort_key"), where=anywhere[0]), anywhere[1]
    )
    places = sorted({place for (place,) in first})
    placed = [[f"{place} {word}" for place in places for word in fit] for fit in words]
    return min(anywhere, _held(typed, keys, PLACED, placed), key=partial(_seconds, asker))


def _held(
    typed: Sequence[str], keys: Sequence[str], indexed: str, words: Sequence[Sequence[str]]
) -> Condition:
    where = " AND ".join(HELD.format(key=key, words=indexed) for key in keys)
    return where, [value for pair in zip(typed, words, strict=True) for value in pair]


def _seconds(asker: Asker, condition: Condition) -> float:
    """How long it takes to find the first rows, at best."""
    where, values = condition

    def find() -> None:
        asker.ask(FOUND.format(what="id", where=where), values)

    return min(timeit.repeat(find, number=1, repeat=5))


def _words(asker: Asker, text: str) -> list[str]:
    """Those of titles and authors that hold a text."""
    either = " UNION ".join(HOLDING.format(table=table) for table in ("books", "authors"))
    return [word for (word,) in asker.ask(either, [f"%{text}%"] * 2)]


def _author_of(asker: Asker, count: int) -> int:
    """An author of so many books, or of about as many."""
    counts = "SELECT author_id, count(*) AS many FROM books GROUP BY author_id"
    order = f"abs(many - {count}), author_id"
    nearest = f"SELECT author_id FROM ({counts}) AS c ORDER BY {order} LIMIT 1"
    return int(asker.ask(nearest)[0][0])
