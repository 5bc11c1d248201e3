"""The key under which names and titles sort and are found."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bookshelf.core.text import SORT_KEY_BYTES, fold, sort_key, words

ANY_TEXT = st.text(st.characters(codec=None))


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("Zafón, Carlos Ruiz", "zafon carlos ruiz"),
        ("  The\tTwo \u00a0 Towers\n", "the two towers"),
        ("Łódź Ørsted Đorđe Bağış Þórður", "lodz orsted dorde bagis thordur"),
        ("Æsop Œuvre Straße STRASSE Əliyev", "aesop oeuvre strasse strasse aliyev"),
        ("Cafe\u0301", "cafe"),
        ("ﬁn ｆｕｌｌ ①", "fin full 1"),
        ("Μῆνιν ἄειδε ᾳ", "μηνιν αειδε α"),
        ("Ёлка Чехов", "елка чехов"),
        ("O'Brien O’Brien Hawaiʻi", "o brien o brien hawai i"),
        ("Spider-Man—“No Way”…", "spider man no way"),
        ("C++ & C#", "c++ c"),
        ("nul\x00in\u200bside\ud800", "nul in side"),
        ("村上 春樹", "村上 春樹"),
        ("???", "???"),
        (" ¿ …\x00", "¿ ..."),
        ("", ""),
        (" \x00\ud800\u200b", ""),
    ],
)
def test_a_text_folds(text: str, folded: str) -> None:
    assert fold(text) == folded


@given(ANY_TEXT)
def test_folding_twice_changes_nothing(text: str) -> None:
    assert fold(fold(text)) == fold(text)


@pytest.mark.slow
def test_folding_twice_changes_no_character_of_unicode() -> None:
    folded = fold(" ".join(map(chr, range(0x110000))))
    assert fold(folded) == folded


@given(ANY_TEXT)
def test_a_folded_text_is_printable_and_fit_for_a_database(text: str) -> None:
    assert fold(text).isprintable()
    fold(text).encode()


@given(st.text(st.characters(codec="ascii", exclude_categories=["C", "Z"]), min_size=1))
def test_whatever_can_be_seen_can_be_sorted_and_found(text: str) -> None:
    assert fold(text)
    assert words(text)


@given(st.text(st.characters(min_codepoint=0x4E00, max_codepoint=0x9FFF), min_size=800))
def test_a_sort_key_is_cut_at_the_end_of_a_character(text: str) -> None:
    assert len(sort_key(text).encode()) <= SORT_KEY_BYTES
    assert fold(text).startswith(sort_key(text))


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("Short", "short"),
        ("x" * 2500, "x" * 2500),
        ("x" * 2501, "x" * 2500),
        ("x" * 2499 + "я", "x" * 2499),
        ("x" * 2498 + "я", "x" * 2498 + "я"),
        ("x" * 2499 + " y", "x" * 2499),
    ],
)
def test_a_sort_key_holds_as_much_as_an_index_can(text: str, key: str) -> None:
    assert sort_key(text) == key


@pytest.mark.parametrize(
    ("typed", "found"),
    [("Le Guin, U.K.", ["le", "guin", "u", "k"]), ("???", ["???"]), (" \t", []), ("", [])],
)
def test_the_words_of_a_search_are_folded(typed: str, found: list[str]) -> None:
    assert words(typed) == found
