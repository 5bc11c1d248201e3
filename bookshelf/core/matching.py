"""What typed words mean in a search: in any order, in part, each in any key that a row has.

A word with three letters in a row is found anywhere in a key. A shorter one is in too many, so it
is found only where a word begins. How PostgreSQL looks words up, `vocabulary.py` knows.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any, Final

from sqlalchemy import ColumnElement, and_, or_

from bookshelf.core.db import Model
from bookshelf.core.text import fold, folded_in_place, unfolding, words

MOST_WORDS: Final = 20  # SQLite refuses expressions that are nested a thousand deep

AFTER_ALL: Final = "\U0010ffff"  # no key has it, as it folds to a blank
_THREE: Final = re.compile(r"[^\W_]{3}")
_INITIALS: Final = re.compile(r"[^\W\d_]{2,3}")
_LETTER_OR_DIGIT: Final = re.compile(r"[^\W_]")


@dataclass(frozen=True)
class Term:
    """What is looked for, somewhere in a key or at the beginnings of its words.

    Conditions are about the rows of a model: all keys that are searched, or the one they sort by.
    That one begins with the term where `leads`: what consists of symbols cannot be looked up
    otherwise.
    """

    text: str
    anywhere: bool = False
    leads: bool = False

    @property
    def spelt(self) -> str:
        """The term letter by letter, if it may be initials: "jrr" also stands for "J. R. R."."""
        return " ".join(self.text) if _INITIALS.fullmatch(self.text) else ""

    @property
    def starts(self) -> tuple[str, ...]:
        """What words may begin with instead of holding the term."""
        own = () if self.anywhere else (self.text,)
        return (*own, self.spelt) if self.spelt else own

    def within(self, model: type[Model]) -> ColumnElement[bool]:
        """The condition that a key holds the term."""
        if self.leads:
            return self.beginning(model)
        keys = keys_of(model)
        inside = [holds(keys, self.text)] if self.anywhere else []
        return or_(*inside, *(has_beginning(keys, start) for start in self.starts))

    def beginning(self, model: type[Model]) -> ColumnElement[bool]:
        """The condition that a word of the key that rows sort by begins with the term."""
        key = keys_of(model)[0]
        return begins(key, self.text) if self.leads else has_beginning([key], self.text)

    def whole(self, model: type[Model]) -> ColumnElement[bool]:
        """The condition that the term is a word of the key that rows sort by."""
        key = keys_of(model)[0]
        return key == self.text if self.leads else holds([" " + key + " "], f" {self.text} ")

    def places(self, folded: str) -> Iterator[tuple[int, int]]:
        """Where the term stands in a folded text, from and to; several blanks count as one."""
        for pattern in self._patterns:
            yield from (found.span() for found in pattern.finditer(folded))

    @cached_property
    def _patterns(self) -> Sequence[re.Pattern[str]]:
        """Made once for the hundred texts of a page."""
        before = "^ *" if self.leads else "(?:^|(?<= ))"
        patterns = [before + re.escape(start).replace(r"\ ", " +") for start in self.starts]
        if self.anywhere:
            patterns.append(re.escape(self.text))
        return [re.compile(pattern) for pattern in patterns]


def terms(typed: str) -> list[Term]:
    """What somebody looks for who typed that: its words, the first 20 of them."""
    typed_words = list(dict.fromkeys(words(typed)))[:MOST_WORDS]
    if not any(map(_LETTER_OR_DIGIT.search, typed_words)):
        return [Term(fold(typed), leads=True)] if typed_words else []
    return [Term(word, anywhere=_is_found_anywhere(word)) for word in typed_words]


def _is_found_anywhere(word: str) -> bool:
    """Symbols are, as the other words have narrowed down the rows by then."""
    return bool(_THREE.search(word)) or not _LETTER_OR_DIGIT.search(word)


def found_at_beginnings(typed: str) -> list[str]:
    """The words that are too short to be found inside of others."""
    return [term.text for term in terms(typed) if not term.anywhere and not term.leads]


def has_words(model: type[Model], typed: str) -> list[ColumnElement[bool]]:
    """The conditions that the keys of a row have every word that was typed."""
    return has_all(model, terms(typed))


def has_all(model: type[Model], found: Iterable[Term]) -> list[ColumnElement[bool]]:
    """The conditions that the keys of a row have all terms."""
    return [term.within(model) for term in found]


def begins_words(model: type[Model], found: Iterable[Term]) -> list[ColumnElement[bool]]:
    """The conditions that every term begins a word of the key that rows sort by."""
    return [term.beginning(model) for term in found]


def keys_of(model: type[Model]) -> list[Any]:
    """The columns in which a search looks; the first is the key that rows sort by."""
    return [getattr(model, name) for name in model.SEARCHED]


def begins(key: Any, start: str | ColumnElement[str]) -> ColumnElement[bool]:
    """The condition that a key begins so, which the index of its order answers in any database."""
    return and_(key >= start, key < start + AFTER_ALL)


def holds(keys: Sequence[Any], text: str) -> ColumnElement[bool]:
    """The condition that one of some keys holds a text."""
    return or_(*(key.contains(text, autoescape=True) for key in keys))


def has_beginning(keys: Sequence[Any], start: str) -> ColumnElement[bool]:
    """The condition that a word of one of some keys begins so.

    Nothing is put together from keys here: where rows are read one by one, that takes longest.
    """
    first = [key.startswith(start, autoescape=True) for key in keys]
    return or_(*first, holds(keys, f" {start}"))


def spans(text: str, typed: str) -> list[tuple[int, int]]:
    """Where a text has what was typed: from and to, in order, without overlaps."""
    folded = folded_in_place(text)
    if folded.strip():
        return list(_joined(sorted(_found_in(folded, typed))))
    folded, places = unfolding(text)
    found = _found_in(folded, typed)
    return list(_joined(sorted((places[start][0], places[end - 1][1]) for start, end in found)))


def _found_in(folded: str, typed: str) -> Iterator[tuple[int, int]]:
    return (place for term in _terms(typed) for place in term.places(folded))


@lru_cache(maxsize=100)
def _terms(typed: str) -> Sequence[Term]:
    """The terms by which a page marks a hundred texts."""
    return terms(typed)


def _joined(sorted_spans: Iterable[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """The spans with those joined that touch."""
    here: tuple[int, int] | None = None
    for start, end in sorted_spans:
        if here and start <= here[1]:
            here = here[0], max(here[1], end)
            continue
        if here:
            yield here
        here = start, end
    if here:
        yield here
