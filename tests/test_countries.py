"""Countries by the names that people type."""

import pycountry
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bookshelf.authors.countries import Country, find, is_called, is_code, name_of, offer
from bookshelf.core.text import fold

CODES = [record.alpha_2 for record in pycountry.countries] + ["XK"]
CODES += [record.alpha_4 for record in pycountry.historic_countries]
ALL = [Country(code, name_of(code)) for code in CODES]


def codes(typed: str) -> list[str]:
    return [country.code for country in find(typed)]


@pytest.mark.parametrize(
    ("typed", "code"),
    [
        *[(name, "GB") for name in ("uk", "U.K.", "gb", " GBR ", "826", "england", "Scotland")],
        *[(name, "US") for name in ("usa", "u.s.a.", "US", "america", "the United States")],
        *[(name, "TR") for name in ("turkey", "Türkiye", "turkiye", "TUR")],
        *[(name, "SUHH") for name in ("USSR", "u.s.s.r.", "soviet union", "SUHH", "SUN")],
        *[(name, "NL") for name in ("holland", "the netherlands")],
        *[(name, "CI") for name in ("ivory coast", "Cote d’Ivoire")],
        *[(name, "CZ") for name in ("czech republic", "czechia")],
        *[(name, "VN") for name in ("vietnam", "Viet Nam", "Viet-Nam")],
        *[(name, "DE") for name in ("germany", "west germany", "Federal Republic of Germany")],
        *[(name, "DDDE") for name in ("East Germany", "GDR", "german democratic republic")],
        ("wales", "GB"),
        ("burma", "MM"),
        ("persia", "IR"),
        ("swaziland", "SZ"),
        ("cape verde", "CV"),
        ("east timor", "TL"),
        ("macedonia", "MK"),
        ("guinea", "GN"),
        ("niger", "NE"),
        ("ireland", "IE"),
        ("atf", "TF"),
        ("zaire", "ZRCD"),
        ("yugoslavia", "YUCS"),
        ("czechoslovakia", "CSHH"),
        ("Korea, Republic of", "KR"),
        ("democratic republic of the congo", "CD"),
        *[(name, "XK") for name in ("Kosovo", "kosova", "xk")],
        *[(name, "LC") for name in ("St. Lucia", "st lucia", "Saint Lucia")],
        ("St. Kitts and Nevis", "KN"),
        ("US of A", "US"),
        ("FYROM", "MK"),
        ("Luxemburg", "LU"),
        *[(name, "PS") for name in ("Palestinian Territories", "Gaza", "Palestine")],
        ("Cameroun", "CM"),
        ("Moçambique", "MZ"),
        *[(name, "TZ") for name in ("Tanganyika", "Zanzibar")],
        ("Jugoslavia", "YUCS"),
        *[(name, "SUHH") for name in ("URSS", "UdSSR")],
        ("British Guiana", "GY"),
        ("South West Africa", "NA"),
        *[("American", "US"), ("british", "GB"), ("French", "FR"), ("Indian", "IN")],
        *[("Chinese", "CN"), ("the Dutch", "NL"), ("South African", "ZA"), ("Czech", "CZ")],
    ],
)
def test_a_name_or_code_that_people_use_finds_one_country(typed: str, code: str) -> None:
    assert codes(typed) == [code]


@pytest.mark.parametrize(
    ("typed", "fitting"),
    [
        ("korea", ["KP", "KR"]),
        ("Korean", ["KP", "KR"]),
        ("congo", ["CG", "CD"]),
        ("virgin islands", ["VG", "VI"]),
        ("germ", ["DE", "DDDE"]),
        ("new z", ["NZ"]),
        ("zeal new", ["NZ"]),
        ("united king", ["GB"]),
        ("viet", ["VN", "VDVN"]),
    ],
)
def test_the_beginnings_of_words_find_every_country_that_fits(
    typed: str, fitting: list[str]
) -> None:
    assert codes(typed) == fitting


@pytest.mark.parametrize(
    ("typed", "sure"),
    [
        ("kosovo", True),
        ("new z", True),
        ("St. Helena", True),
        ("zeal new", False),
        ("African", False),
        ("Man", False),
        ("EU", False),
        ("Indies", False),
    ],
)
def test_one_that_fits_by_other_words_than_its_first_is_not_sure(typed: str, sure: bool) -> None:
    [country] = find(typed)
    assert is_called(country, typed) is sure


def test_what_shows_the_typed_word_comes_before_what_is_called_so_elsewhere() -> None:
    assert codes("king")[:2] == ["GB", "BH"]  # Kingdom of Bahrain


def test_what_is_shown_under_the_typed_beginning_comes_first() -> None:
    assert codes("united")[0] == "AE"
    assert codes("united").index("US") < codes("united").index("MX")


@pytest.mark.parametrize("typed", ["", "  ", "\x00", "???", "atlantis", "rmany"])
def test_what_fits_nothing_finds_nothing(typed: str) -> None:
    assert find(typed) == []


@pytest.mark.parametrize("country", ALL, ids=lambda country: country.code)
def test_each_country_is_found_by_its_own_code_and_name(country: Country) -> None:
    assert find(country.code) == find(country.name) == find(country.name.upper()) == [country]
    assert name_of(country.code) == country.name
    assert is_code(country.code)
    assert len(country.code) in (2, 4)


@pytest.mark.parametrize(
    ("code", "name"),
    [
        ("KR", "South Korea"),
        ("RU", "Russia"),
        ("VN", "Vietnam"),
        ("TW", "Taiwan"),
        ("CG", "Congo (Brazzaville)"),
        ("CD", "Congo (Kinshasa)"),
        ("SUHH", "Soviet Union"),
        ("FR", "France"),
    ],
)
def test_the_name_shown_is_the_one_that_people_use(code: str, name: str) -> None:
    assert name_of(code) == name


@pytest.mark.parametrize("code", ["", "XX", "gb", "GBR", "United Kingdom"])
def test_what_is_no_code_is_shown_as_it_is(code: str) -> None:
    assert not is_code(code)
    assert name_of(code) == code


def test_no_name_is_shown_the_wrong_way_round() -> None:
    assert not [country for country in ALL if " of" in country.name[-4:]]


def test_no_two_countries_are_shown_under_one_name() -> None:
    names = {fold(country.name) for country in ALL}
    assert len(names) == len(ALL) == 249 + 1 + 31


def test_what_is_meant_is_offered_first_and_then_what_it_may_become() -> None:
    assert [country.code for country in offer("niger")] == ["NE", "NG"]
    assert [country.code for country in offer("uk")] == ["GB", "UA"]
    assert offer(" ") == []


@given(st.text())
def test_finding_never_fails(typed: str) -> None:
    assert len(find(typed)) == len(set(find(typed)))
