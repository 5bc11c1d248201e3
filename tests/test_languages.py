"""Languages by the names that people type."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bookshelf.books.languages import MOST, find, is_code, name_of, offer


def codes(typed: str) -> list[str]:
    return [language.code for language in find(typed)]


@pytest.mark.parametrize(
    ("typed", "code"),
    [
        *[(name, "eng") for name in ("english", " English ", "en", "EN", "En", "eng", "ENG")],
        *[(name, "deu") for name in ("german", "de", "deu", "ger", "Deutsch")],
        *[(name, "ell") for name in ("greek", "el", "gre", "Greek, Modern (1453-)")],
        *[(name, "zho") for name in ("chinese", "zh", "chi")],
        *[(name, "cmn") for name in ("mandarin", "Mandarin Chinese")],
        *[(name, "fas") for name in ("farsi", "persian", "per")],
        *[(name, "nld") for name in ("dutch", "flemish", "dut")],
        *[(name, "spa") for name in ("spanish", "castilian", "espanol")],
        *[(name, "ben") for name in ("bengali", "bangla")],
        *[(name, "nob") for name in ("Norwegian Bokmal", "bokmål")],
        ("norwegian", "nor"),
        ("malay", "msa"),
        ("swahili", "swa"),
        ("serbo croatian", "hbs"),
        ("ancient greek", "grc"),
        ("middle english", "enm"),
        ("cantonese", "yue"),
        ("maori", "mri"),
        ("dan", "dan"),
        ("mon", "mon"),
    ],
)
def test_a_name_or_code_that_people_use_finds_one_language(typed: str, code: str) -> None:
    assert codes(typed) == [code]


@pytest.mark.parametrize(
    ("typed", "fitting"),
    [
        ("gaelic", ["gle", "gla"]),
        ("Mon", ["mon", "mnw"]),
        ("Dan", ["dan", "dnj"]),
        ("nynor", ["nno"]),
        ("old eng", ["ang"]),
        ("english old", ["ang"]),
    ],
)
def test_a_text_may_fit_several_languages_or_begin_a_name(typed: str, fitting: list[str]) -> None:
    assert codes(typed) == fitting


def test_common_languages_come_first_and_a_short_beginning_finds_not_too_many() -> None:
    assert codes("gree")[:3] == ["ell", "kal", "gss"]
    assert len(find("sign lang")) == MOST


@pytest.mark.parametrize("typed", ["", "  ", "\x00", "???", "klingonese", "nglish"])
def test_what_fits_nothing_finds_nothing(typed: str) -> None:
    assert find(typed) == []


@pytest.mark.parametrize(
    ("code", "name"),
    [
        ("eng", "English"),
        ("ell", "Greek"),
        ("grc", "Ancient Greek"),
        ("oci", "Occitan"),
        ("msa", "Malay"),
        ("ang", "Old English"),
        ("mnw", "Mon (mnw)"),
        ("toi", "Tonga (Zambia)"),
    ],
)
def test_the_name_shown_is_the_one_that_people_use(code: str, name: str) -> None:
    assert name_of(code) == name


def test_each_language_is_found_by_its_own_code_and_name() -> None:
    pycountry = pytest.importorskip("pycountry")
    wrong = [
        (record.alpha_3, typed)
        for record in pycountry.languages
        for typed in (record.alpha_3, name_of(record.alpha_3), name_of(record.alpha_3).upper())
        if codes(typed) != [record.alpha_3]
    ]
    assert wrong == []


@pytest.mark.parametrize("code", ["", "xx", "en", "ENG", "ger", "English"])
def test_what_is_no_code_of_iso_639_3_is_shown_as_it_is(code: str) -> None:
    assert not is_code(code)
    assert name_of(code) == code


def test_what_is_meant_is_offered_first_and_then_what_it_may_become() -> None:
    offered = [language.code for language in offer("en")]
    assert offered[0] == "eng"
    assert "enm" not in offered[:1]
    assert len(offer("a")) == MOST


@given(st.text(max_size=5))
def test_finding_never_fails(typed: str) -> None:
    assert len(find(typed)) == len(set(find(typed))) <= MOST
