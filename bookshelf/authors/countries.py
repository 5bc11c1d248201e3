"""Countries by the names that people use, stored as the codes of ISO 3166."""

import re
from collections.abc import Iterator
from functools import cache
from typing import Any, Final, NamedTuple

import pycountry

from bookshelf.core.lookup import Entry, Lookup
from bookshelf.core.text import fold


class Country(NamedTuple):
    """A country: its code of ISO 3166-1 ("GB"), or of ISO 3166-3 if it is no more ("SUHH").

    Kosovo, for which ISO has none, has the code XK.
    """

    code: str
    name: str


# Where ISO's name is not the one that people read and type: the name to show, then other names.
_NAMES: Final[dict[str, tuple[str, ...]]] = {
    "AE": ("United Arab Emirates", "UAE", "Emirates"),
    "AL": ("Albania", "Shqipëria"),
    "AM": ("Armenia", "Hayastan"),
    "AT": ("Austria", "Österreich", "Oesterreich"),
    "BA": ("Bosnia and Herzegovina", "Bosnia", "Bosnia-Herzegovina", "Bosnia & Herzegovina"),
    "BN": ("Brunei",),
    "BE": ("Belgium", "België", "Belgique"),
    "BG": ("Bulgaria", "Balgariya"),
    "BR": ("Brazil", "Brasil"),
    "BW": ("Botswana", "Bechuanaland"),
    "BY": ("Belarus", "Byelorussia", "Belorussia"),
    "BZ": ("Belize", "British Honduras"),
    "CD": ("Congo (Kinshasa)", "Congo", "DR Congo", "DRC", "Democratic Republic of the Congo"),
    "CF": ("Central African Republic", "CAR"),
    "CG": ("Congo (Brazzaville)", "Congo-Brazzaville"),
    "CH": ("Switzerland", "Schweiz", "Suisse"),
    "CI": ("Côte d'Ivoire", "Ivory Coast"),
    "CM": ("Cameroon", "Cameroun"),
    "CN": ("China", "PRC"),
    "CV": ("Cabo Verde", "Cape Verde"),
    "CZ": ("Czechia", "Czech Republic", "Česko"),
    "DE": ("Germany", "Deutschland", "West Germany", "FRG", "BRD"),
    "DK": ("Denmark", "Danmark"),
    "DZ": ("Algeria", "Algérie"),
    "EE": ("Estonia", "Eesti"),
    "EG": ("Egypt", "Misr"),
    "ES": ("Spain", "España"),
    "ET": ("Ethiopia", "Abyssinia"),
    "FI": ("Finland", "Suomi"),
    "FK": ("Falkland Islands", "Falklands", "Malvinas"),
    "FM": ("Micronesia",),
    "FO": ("Faroe Islands", "Faroes", "Faeroe Islands"),
    "GB": (
        *("United Kingdom", "UK", "Great Britain", "Britain"),
        *("England", "Scotland", "Wales", "Northern Ireland"),
    ),
    "GH": ("Ghana", "Gold Coast"),
    "GR": ("Greece", "Hellas"),
    "GY": ("Guyana", "British Guiana"),
    "HR": ("Croatia", "Hrvatska"),
    "HU": ("Hungary", "Magyarország"),
    "ID": ("Indonesia", "Dutch East Indies"),
    "IE": ("Ireland", "Republic of Ireland", "Éire"),
    "IN": ("India", "Bharat"),
    "IR": ("Iran", "Persia"),
    "IS": ("Iceland", "Ísland"),
    "IT": ("Italy", "Italia"),
    "JP": ("Japan", "Nippon", "Nihon"),
    "KG": ("Kyrgyzstan", "Kirghizia", "Kirgizstan"),
    "KH": ("Cambodia", "Kampuchea"),
    "KP": ("North Korea", "DPRK"),
    "KR": ("South Korea", "Republic of Korea", "ROK"),
    "LK": ("Sri Lanka", "Ceylon"),
    "LS": ("Lesotho", "Basutoland"),
    "LT": ("Lithuania", "Lietuva"),
    "LU": ("Luxembourg", "Luxemburg"),
    "LV": ("Latvia", "Latvija"),
    "MA": ("Morocco", "Maroc"),
    "MD": ("Moldova", "Moldavia"),
    "MK": ("North Macedonia", "Macedonia", "FYROM"),
    "MM": ("Myanmar", "Burma"),
    "MO": ("Macao", "Macau"),
    "MW": ("Malawi", "Nyasaland"),
    "MZ": ("Mozambique", "Moçambique"),
    "NA": ("Namibia", "South West Africa"),
    "NL": ("Netherlands", "Holland", "Nederland"),
    "NO": ("Norway", "Norge", "Noreg"),
    "NZ": ("New Zealand", "Aotearoa"),
    "PH": ("Philippines", "Pilipinas"),
    "PL": ("Poland", "Polska"),
    "PN": ("Pitcairn Islands",),
    "PS": ("Palestine", "Palestinian Territories", "Gaza"),
    "RO": ("Romania", "Rumania", "Roumania"),
    "RS": ("Serbia", "Srbija"),
    "RU": ("Russia", "Rossiya"),
    "SA": ("Saudi Arabia", "KSA"),
    "SE": ("Sweden", "Sverige"),
    "SI": ("Slovenia", "Slovenija"),
    "SK": ("Slovakia", "Slovensko"),
    "ST": ("São Tomé and Príncipe",),
    "SZ": ("Eswatini", "Swaziland"),
    "TH": ("Thailand", "Siam"),
    "TL": ("Timor-Leste", "East Timor"),
    "TR": ("Türkiye", "Turkey"),
    "TT": ("Trinidad and Tobago", "Trinidad", "Tobago"),
    "TW": ("Taiwan", "Formosa", "Republic of China", "ROC"),
    "TZ": ("Tanzania", "Tanganyika", "Zanzibar"),
    "UA": ("Ukraine", "Ukraina"),
    "US": ("United States", "America", "U.S. of America", "US of A"),
    "VA": ("Vatican City", "Vatican", "Holy See"),
    "VG": ("British Virgin Islands", "BVI"),
    "VI": ("United States Virgin Islands", "US Virgin Islands", "USVI"),
    "VN": ("Vietnam", "South Vietnam"),
    "WS": ("Samoa", "Western Samoa"),
    "YE": ("Yemen", "North Yemen"),
    "ZM": ("Zambia", "Northern Rhodesia"),
    "AIDJ": ("French Afars and Issas", "French Somaliland"),
    "BUMM": ("Burma (until 1989)",),
    "BYAA": ("Byelorussian SSR", "Belorussian SSR"),
    "CSHH": ("Czechoslovakia", "Czecho-Slovakia", "ČSSR"),
    "DDDE": ("East Germany", "German Democratic Republic", "GDR", "DDR"),
    "FXFR": ("Metropolitan France",),
    "HVBF": ("Upper Volta",),
    "NTHH": ("Neutral Zone (Saudi Arabia and Iraq)",),
    "PCHH": ("Trust Territory of the Pacific Islands",),
    "RHZW": ("Rhodesia", "Southern Rhodesia"),
    "SUHH": ("Soviet Union", "USSR", "Union of Soviet Socialist Republics", "URSS", "UdSSR"),
    "TPTL": ("Portuguese Timor",),
    "VDVN": ("North Vietnam", "Democratic Republic of Vietnam"),
    "YDYE": ("South Yemen", "People's Democratic Republic of Yemen"),
    "YUCS": ("Yugoslavia", "Jugoslavia"),
    "ZRCD": ("Zaire",),
}

# What people say of somebody from there; of the two Koreas they say the same.
_ADJECTIVES: Final[dict[str, str]] = dict(
    re.findall(
        r"([A-Z]{2}) ([A-Za-z ]+)",
        "AR Argentine, AT Austrian, AU Australian, BR Brazilian, CA Canadian, CH Swiss, "
        "CL Chilean, CN Chinese, CO Colombian, CZ Czech, DE German, DK Danish, EG Egyptian, "
        "ES Spanish, FI Finnish, FR French, GB British, GR Greek, HU Hungarian, IE Irish, "
        "IL Israeli, IN Indian, IT Italian, JP Japanese, KE Kenyan, KP Korean, KR Korean, "
        "MX Mexican, NG Nigerian, NL Dutch, NO Norwegian, PE Peruvian, PL Polish, PT Portuguese, "
        "RO Romanian, RU Russian, SE Swedish, TR Turkish, UA Ukrainian, "
        "US American, ZA South African",
    )
)


def find(text: str) -> list[Country]:
    """Return the countries that the text may mean, the likeliest first; none if it is blank.

    A code (of two, three or four letters, or three digits), a whole name, or what people from there
    are called ("French") means only what is called so; otherwise the text means every country whose
    names have words that begin so.
    """
    return lookup().find(_plain(text))


def offer(text: str) -> list[Country]:
    """Return the countries that the text may become as it is typed on, such as Niger, Nigeria."""
    return lookup().offer(_plain(text))


def is_called(country: Country, text: str) -> bool:
    """Say whether the text is one of these for the country, or begins the name that is shown."""
    return lookup().is_called(country, _plain(text))


def name_of(code: str) -> str:
    """Return the name to show for a code, which is the code itself where no country has it."""
    country = lookup().by_code.get(code)
    return country.name if country else code


def is_code(code: str) -> bool:
    """Say whether a country, living or past, has exactly this code: "GB" is one, "gb" is not."""
    return code in lookup().by_code


@cache
def lookup() -> Lookup[Country]:
    """All of them, put in order once."""
    past = sorted(_past(), key=lambda entry: _by_name(entry.thing))
    return Lookup([*sorted(_living(), key=lambda entry: _by_name(entry.thing)), *past])


def _plain(text: str) -> str:
    """The text without an article, and with no abbreviation of the names that begin "Saint"."""
    return re.sub("^st ", "saint ", fold(text).removeprefix("the "))


def _living() -> Iterator[Entry[Country]]:
    for record in pycountry.countries:
        official = (getattr(record, kind, "") for kind in ("official_name", "common_name"))
        shown, *others = _NAMES.get(record.alpha_2, (getattr(record, "common_name", record.name),))
        names = [*others, record.name, *filter(None, official)]
        yield Entry(Country(record.alpha_2, shown), names, _codes(record))
    # ISO 3166 leaves this code to its users; CLDR and the European Union mean Kosovo by it.
    yield Entry(Country("XK", "Kosovo"), ["Kosova", "Republic of Kosovo"])


def _codes(record: Any) -> list[str]:
    adjective = _ADJECTIVES.get(record.alpha_2)
    return [record.alpha_3, record.numeric, *([adjective] if adjective else [])]


def _past() -> Iterator[Entry[Country]]:
    """Countries that are no more, by names and codes that no living country has."""
    for record in pycountry.historic_countries:
        shown, *others = _NAMES.get(record.alpha_4, (record.name,))
        reused = pycountry.countries.get(alpha_3=record.alpha_3)
        yield Entry(Country(record.alpha_4, shown), others, [] if reused else [record.alpha_3])


def _by_name(country: Country) -> str:
    return fold(country.name)
