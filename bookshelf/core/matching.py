"""How typed words are found in sort keys, in any order."""

from sqlalchemy import ColumnElement
from sqlalchemy.orm import InstrumentedAttribute

from bookshelf.core.text import words

MOST_WORDS = 20  # SQLite refuses expressions that are nested a thousand deep


def has_words(key: InstrumentedAttribute[str], typed: str) -> list[ColumnElement[bool]]:
    """The conditions that a key contains every word that was typed, the first 20 of them."""
    return [key.contains(word, autoescape=True) for word in words(typed)[:MOST_WORDS]]


def has_whole_words(key: InstrumentedAttribute[str], typed: str) -> list[ColumnElement[bool]]:
    """The conditions that every word that was typed is a word of the key."""
    padded = " " + key + " "
    return [padded.contains(f" {word} ", autoescape=True) for word in words(typed)[:MOST_WORDS]]


def begins_words(key: InstrumentedAttribute[str], typed: str) -> list[ColumnElement[bool]]:
    """The conditions that every word that was typed begins a word of the key."""
    return [(" " + key).contains(f" {word}", autoescape=True) for word in words(typed)[:MOST_WORDS]]
