"""What is found for typed words: the same in Python and in both databases, and where it stands."""

import re
import unicodedata

import pytest
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from markupsafe import escape

from bookshelf.authors import queries as authors
from bookshelf.authors.models import Author
from bookshelf.books import queries
from bookshelf.books.models import Book
from bookshelf.core import counting
from bookshelf.core.db import db
from bookshelf.core.keyset import Position, merged
from bookshelf.core.matching import begins_words, found_at_beginnings, has_words, spans, terms
from bookshelf.core.text import fold, sort_key, unfolding
from bookshelf.core.vocabulary import has_whole_words, looked_up
from bookshelf.web.rendering import marked

both = pytest.mark.parametrize("place", ["sqlite", "postgresql"], indirect=True)
few = settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])


def holds(text: str, typed: str) -> bool:
    """What a search promises, word by word, written down a second time."""
    key, searched = fold(text), fold(typed).split()
    if not any(letter.isalnum() for letter in fold(typed)):
        return key.startswith(fold(typed))
    return all(_has(key, word) for word in searched)


def _has(key: str, word: str) -> bool:
    starts = [key[place:] for place in range(len(key)) if place == 0 or key[place - 1] == " "]
    letters = [letter for letter in word if letter.isalnum()]
    in_a_row = max(map(len, re.findall(r"[^\W_]+", word)), default=0)
    initials = " ".join(word) if len(word) in (2, 3) and word.isalpha() else word
    if any(start.startswith((initials,)) for start in starts):
        return True
    if in_a_row >= 3 or not letters:
        return word in key
    return any(start.startswith(word) for start in starts)


def begins_with_each(text: str, typed: str) -> bool:
    """What a tier of the best is: each word typed begins a word."""
    key, searched = fold(text), fold(typed)
    if not any(letter.isalnum() for letter in searched):
        return key.startswith(searched)
    return all(any(word.startswith(one) for word in key.split()) for one in searched.split())


def has_each(text: str, typed: str) -> bool:
    """Who is called so, perhaps in another order."""
    key, searched = fold(text), fold(typed)
    if searched and not any(letter.isalnum() for letter in searched):
        return key == searched
    return set(searched.split()) <= set(key.split())


WAYS = {"beginnings": begins_with_each, "whole words": has_each}

# Few letters, so that words are often found; what LIKE and regular expressions read otherwise.
LETTERS = st.text(st.sampled_from("aabbeé '.-%_/\\+*ßØ村上1"), max_size=14)


@both
@few
@given(texts=st.lists(LETTERS, max_size=8), typed=LETTERS)
def test_the_same_is_found_in_both_databases_and_in_python(
    app: Flask, texts: list[str], typed: str
) -> None:
    db.session.rollback()
    values = [
        {"id": number, "name": "x", "sort_name": "x", "sort_key": sort_key(text)}
        for number, text in enumerate(texts, start=1)
    ]
    if values:
        db.session.execute(db.insert(Author), values)
    expected = [number for number, text in enumerate(texts, start=1) if holds(text, typed)]
    read = db.select(Author.id).where(*has_words(Author, typed))
    for found in (read, *authors.found(q=typed)):
        assert sorted(db.session.scalars(found)) == expected
    found_so = {
        "beginnings": begins_words(Author, looked_up(typed, Author)),
        "whole words": has_whole_words(Author, typed),
    }
    for way, conditions in found_so.items():
        found = db.session.scalars(db.select(Author.id).where(*conditions))
        assert sorted(found) == [n for n, text in enumerate(texts, 1) if WAYS[way](text, typed)]


@both
@few
@given(texts=st.lists(st.tuples(LETTERS, LETTERS), max_size=6), typed=LETTERS)
def test_titles_and_authors_are_searched_together_and_alike(
    app: Flask, texts: list[tuple[str, str]], typed: str
) -> None:
    db.session.rollback()
    keys = [(number, sort_key(a), sort_key(b)) for number, (a, b) in enumerate(texts, start=1)]
    if keys:
        named = [{"id": n, "name": "x", "sort_name": "x", "sort_key": key} for n, key, _ in keys]
        titled = [{"id": n, "title": "x", "author_id": n, "sort_key": key} for n, _, key in keys]
        db.session.execute(db.insert(Author), named)
        db.session.execute(db.insert(Book), titled)
    expected = [n for n, author, title in keys if hold_together(title, author, typed)]
    page = queries.page_of_books(q=typed, sort="added", at=Position(size=100))
    assert [book.id for book in page.rows] == expected
    found = queries.found(q=typed)
    assert sorted(db.session.scalars(merged(found, Book.id))) == expected
    assert counting.exactly(found).number == len(expected)
    assert counting.up_to(found, 2) == (min(2, len(expected)), False, len(expected) > 2)


def hold_together(title: str, author: str, typed: str) -> bool:
    """Whether each word is in one or the other; symbols alone begin the title."""
    if not any(letter.isalnum() for letter in fold(typed)):
        return holds(title, typed)
    return all(_has(title, word) or _has(author, word) for word in fold(typed).split())


@pytest.mark.parametrize(
    ("text", "typed", "marked"),
    [
        ("Zafón, Carlos Ruiz", "zafon ruiz", ["Zafón", "Ruiz"]),
        ("Zafo\u0301n", "zafón", ["Zafo\u0301n"]),
        ("The Two Towers", "tow", ["Tow"]),
        ("Straße", "strass", ["Straß"]),
        ("Æsop", "eso", ["Æso"]),
        ("Tolkien, J. R. R.", "jrr", ["J. R. R"]),
        ("Tolkien, J. R. R.", "J.R.R. Tolkien", ["Tolkien", "J", "R", "R"]),
        ("Otto Tott", "to", ["To"]),
        ("anna", "ann nna", ["anna"]),
        ("C++ & C#", "c++", ["C++"]),
        ("I ♥ NY", "♥ ny", ["♥", "NY"]),
        ("???!", "??", ["??"]),
        ("a<b>c</b>", "", []),
        ("Nothing of it", "else", []),
    ],
)
def test_what_matched_is_known(text: str, typed: str, marked: list[str]) -> None:
    assert [text[start:end] for start, end in spans(text, typed)] == marked


@given(st.text(), st.text())
def test_spans_lie_within_the_text_one_after_the_other(text: str, typed: str) -> None:
    places = [place for span in spans(text, typed) for place in span]
    assert places == sorted(set(places))
    assert all(0 <= place <= len(text) for place in places)


@given(LETTERS, LETTERS)
def test_what_is_found_by_a_word_is_marked(text: str, typed: str) -> None:
    found = fold(typed) and holds(text, typed)
    assert bool(spans(text, typed)) >= bool(found)


@given(st.text(st.characters(codec="utf-8")))
def test_each_folded_letter_knows_where_it_comes_from(text: str) -> None:
    folded, places = unfolding(text)
    assert len(folded) == len(places)
    for letter, (start, end) in zip(folded, places, strict=True):
        assert start < end <= len(text)
        assert letter == " " or letter in text[start:end] or letter in fold(text[start:end])
    if any(unicodedata.category(letter)[0] in "LN" for letter in text):
        assert folded == fold(text)


@given(st.text("abjr'- .", min_size=1), st.text("abjr'- ."))
def test_a_text_in_ascii_is_marked_as_any_other_is(text: str, typed: str) -> None:
    if any(map(str.isalnum, text)):
        assert spans(text, typed) == spans(f"{text} 村", typed)


def test_words_beyond_the_twentieth_are_not_looked_for() -> None:
    assert len(terms(" ".join(f"word{number}" for number in range(30)))) == 20
    assert len(terms("word word Wörd")) == 1


@pytest.mark.parametrize(
    ("typed", "short"), [("of mice and", ["of"]), ("a 村上", ["a", "村上"]), ("c++", ["c++"])]
)
def test_short_words_are_known_as_such(typed: str, short: list[str]) -> None:
    assert found_at_beginnings(typed) == short


@pytest.mark.parametrize("typed", ["", "  ", "\x00", "\u200b"])
def test_nothing_typed_narrows_nothing(typed: str) -> None:
    assert terms(typed) == []


@pytest.mark.parametrize(
    ("text", "typed", "html"),
    [
        ("<b>Bold</b>", "bold", "&lt;b&gt;<mark>Bold</mark>&lt;/b&gt;"),
        ("Mice <& men", "men", "Mice &lt;&amp; <mark>men</mark>"),
        ("Q&A & more", "a more", "Q&amp;<mark>A</mark> &amp; <mark>more</mark>"),
        ("Zafón", "zafon", "<mark>Zafón</mark>"),
        ("amp; &", "amp", "<mark>amp</mark>; &amp;"),
        ("plain", "", "plain"),
    ],
)
def test_what_matched_is_marked_and_all_else_escaped(text: str, typed: str, html: str) -> None:
    assert str(marked(text, typed)) == html


@given(st.text(), st.text())
def test_marking_changes_nothing_else(text: str, typed: str) -> None:
    assert re.sub("</?mark>", "", marked(text, typed)) == str(escape(text))
