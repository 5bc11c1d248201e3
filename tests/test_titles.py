"""Where a title stands in a list."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bookshelf.books.titles import title_key
from bookshelf.core.text import SORT_KEY_BYTES, sort_key


@pytest.mark.parametrize(
    ("title", "language", "key"),
    [
        ("The Two Towers", "eng", "two towers the"),
        ("The Two Towers", None, "two towers the"),
        ("A Wizard of Earthsea", None, "wizard of earthsea a"),
        ("AN Artist", "eng", "artist an"),
        ("L'Étranger", "fra", "etranger l"),
        ("L’ Étranger", "fra", "etranger l"),
        ("Les Misérables", "fra", "miserables les"),
        ("Die Blechtrommel", "deu", "blechtrommel die"),
        ("El amor", "spa", "amor el"),
        ("Un'estate", "ita", "estate un"),
        ("Gli indifferenti", "ita", "indifferenti gli"),
        ("O Alquimista", "por", "alquimista o"),
        ("'t Kofschip", "nld", "kofschip t"),
        ("Het Achterhuis", "nld", "achterhuis het"),
        ("En man", "swe", "man en"),
        ("Et dukkehjem", "nob", "dukkehjem et"),
        ("Az ember", "hun", "ember az"),
        ("Els jocs", "cat", "jocs els"),
    ],
)
def test_the_article_of_the_language_goes_to_the_end(
    title: str, language: str | None, key: str
) -> None:
    assert title_key(title, language) == key


@pytest.mark.parametrize(
    "title", ["“The Raven”", "‘The Raven’", "'The Raven'", "¡The Raven!", " The\u00a0Raven"]
)
def test_marks_and_space_around_the_article_do_not_hide_it(title: str) -> None:
    assert title_key(title, "eng") == "raven the"


@pytest.mark.parametrize(
    ("title", "language"),
    [
        ("Die Hard", "eng"),
        ("The Two Towers", "deu"),
        ("The Two Towers", "jpn"),
        ("Theatre", "eng"),
        ("A-Z of Things", "eng"),
        ("A.I.", "eng"),
        ("'Tis Pity", "eng"),
        ("À la recherche du temps perdu", "por"),
        ("Á bout", "hun"),
        ("A", "eng"),
        ("The", "eng"),
        ("Die", "deu"),
        ("The …", "eng"),
        ("L’", "fra"),
        ("???", None),
        ("", None),
    ],
)
def test_what_is_no_article_or_stands_alone_stays(title: str, language: str | None) -> None:
    assert title_key(title, language) == sort_key(title)


@given(st.text("The'a ’?\x00"), st.sampled_from([None, "eng", "fra", "nld"]))
def test_a_key_has_the_words_of_its_title(title: str, language: str | None) -> None:
    assert sorted(title_key(title, language).split()) == sorted(sort_key(title).split())


def test_a_long_title_is_cut_and_its_blanks_take_no_time() -> None:
    assert title_key("The " + "x" * 5000, "eng") == "x" * SORT_KEY_BYTES
    assert title_key("The" + " " * 1_000_000, "eng") == "the"
    assert title_key("'" * 1_000_000 + " The end", "eng") == "the end"
