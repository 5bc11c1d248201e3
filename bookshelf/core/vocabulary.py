"""Which words of the shelf hold what was typed: they are looked up first, and rows by them then.

Beside a table, PostgreSQL has one with all words of its keys, and indexes the rows by theirs
(revision 0008). SQLite has neither, and reads keys until a page is full.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    Text,
    and_,
    column,
    false,
    func,
    literal,
    null,
    or_,
    select,
    table,
    union_all,
)
from sqlalchemy.dialects.postgresql import ARRAY

from bookshelf.core.db import AnySelect, db
from bookshelf.core.matching import Term, begins, holds, terms

# A part that more words have is in so many rows that a page of them is soon read. An index would
# have to merge as many lists.
MANY_WORDS: Final = 200

# For this transaction: where a few rows end a search, parallel workers bring less than they cost,
# and the server has others to serve.
WITHOUT_WORKERS: Final = select(
    null(), func.set_config("max_parallel_workers_per_gather", "0", True)
)

# What words were looked up for: a text, the table whose keys have them, whether they hold the text
# anywhere or begin with it. None stands for too many of them.
Way = tuple[str, str, bool]
Fitting = Mapping[Way, Sequence[str] | None]


@dataclass(frozen=True)
class KnownTerm(Term):
    """A term with the words that fit it."""

    fitting: Fitting = field(default_factory=dict)

    def within(self, key: Any) -> ColumnElement[bool]:
        words = self.fitting[self.text, _table_of(key), self.anywhere]
        if words is None:
            return super().within(key)
        has_one = _has_one_of(key, self.text, words)
        return or_(has_one, _has_initials(key, self.spelt)) if self.spelt else has_one

    def beginning(self, key: Any) -> ColumnElement[bool]:
        words = self.fitting[self.text, _table_of(key), False]
        return super().beginning(key) if words is None else _has_one_of(key, self.text, words)


def looked_up(typed: str, *keys: Any) -> Sequence[Term]:
    """What somebody looks for in these keys who typed that.

    On PostgreSQL the terms know their words, by one statement.
    """
    found = terms(typed)
    if not _are_kept() or not found or found[0].leads:
        return found
    tables = [_table_of(key) for key in keys]
    ways = [
        (term.text, name, anywhere)
        for term in found
        for name in tables
        for anywhere in {False, term.anywhere}
    ]
    fitting = _fitting(ways)
    return [KnownTerm(term.text, term.anywhere, fitting=fitting) for term in found]


def has_whole_words(key: Any, typed: str) -> list[ColumnElement[bool]]:
    """The conditions that every word that was typed is a word of the key; none is looked up."""
    by_words = _are_kept()
    return [
        _words_of(key).contains([term.text]) if by_words and not term.leads else term.whole(key)
        for term in terms(typed)
    ]


def _are_kept() -> bool:
    """Whether the database has words, and indexes rows by them."""
    return db.engine.dialect.name == "postgresql"


def _fitting(ways: Sequence[Way]) -> Fitting:
    words: list[list[str]] = [[] for _ in ways]
    parts = [_words_that_fit(number, *way) for number, way in enumerate(ways)]
    for number, word in db.session.execute(union_all(*parts, WITHOUT_WORKERS)):
        if number is not None:
            words[number].append(word)
    return {
        way: few if len(few) <= MANY_WORDS else None for way, few in zip(ways, words, strict=True)
    }


def _words_that_fit(number: int, text: str, name: str, anywhere: bool) -> AnySelect:
    """These words, each with a number; one more than many are enough to know."""
    word = table(f"words_of_{name}", column("word", Text)).c.word
    fits = word.contains(text, autoescape=True) if anywhere else begins(word, text)
    return select(literal(number), word).where(fits).limit(MANY_WORDS + 1)


def _has_one_of(key: Any, text: str, words: Sequence[str]) -> ColumnElement[bool]:
    """The condition that a key has one of the words, which hold the text.

    That the key holds the text says nothing new, but is three times as quick to see, where rows
    are read in the order of their keys. LIKE would say the same, yet the planner would take it for
    a second condition and expect far too few rows; of `strpos` it only guesses that a third fits.
    """
    if not words:
        return false()
    return and_(func.strpos(key, text) > 0, _words_of(key).overlap(words))


def _has_initials(key: Any, spelt: str) -> ColumnElement[bool]:
    """The condition that a key has these letters as words, the last as the beginning of one.

    Again `strpos` is the quickest to say no, LIKE to say whether, and the words lead there.
    """
    whole = spelt.split()[:-1]
    may = func.strpos(key, spelt) > 0
    return and_(may, holds(key, f" {spelt}"), _words_of(key).contains(whole))


def _table_of(key: Any) -> str:
    return str(key.class_.__tablename__)


def _words_of(key: Any) -> Any:
    return func.string_to_array(key, " ", type_=ARRAY(Text))
