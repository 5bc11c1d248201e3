"""Countries by the names that people use, stored as the codes of ISO 3166."""

from collections.abc import Iterator
from functools import cache
from typing import Final, NamedTuple

import pycountry

from bookshelf.core.lookup import Entry, Lookup
from bookshelf.core.text import fold


class Country(NamedTuple):
    """A country: its code of ISO 3166-1 ("GB"), or of ISO 3166-3 if it is no more ("SUHH")."""

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
    "KN": ("Saint Kitts and Nevis", "St Kitts", "St Kitts and Nevis"),
    "KP": ("North Korea", "DPRK"),
    "KR": ("South Korea", "Republic of Korea", "ROK"),
    "LC": ("Saint Lucia", "St Lucia"),
    "LK": ("Sri Lanka", "Ceylon"),
    "LS": ("Lesotho", "Basutoland"),
    "LT": ("Lithuania", "Lietuva"),
    "LV": ("Latvia", "Latvija"),
    "MA": ("Morocco", "Maroc"),
    "MD": ("Moldova", "Moldavia"),
    "MK": ("North Macedonia", "Macedonia"),
    "MM": ("Myanmar", "Burma"),
    "MO": ("Macao", "Macau"),
    "MW": ("Malawi", "Nyasaland"),
    "NL": ("Netherlands", "Holland", "Nederland"),
    "NO": ("Norway", "Norge", "Noreg"),
    "NZ": ("New Zealand", "Aotearoa"),
    "PH": ("Philippines", "Pilipinas"),
    "PL": ("Poland", "Polska"),
    "PN": ("Pitcairn Islands",),
    "PS": ("Palestine",),
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
    "UA": ("Ukraine", "Ukraina"),
    "US": ("United States", "America", "U.S. of America"),
    "VA": ("Vatican City", "Vatican", "Holy See"),
    "VC": ("Saint Vincent and the Grenadines", "St Vincent"),
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
    "SUHH": ("Soviet Union", "USSR", "Union of Soviet Socialist Republics"),
    "TPTL": ("Portuguese Timor",),
    "VDVN": ("North Vietnam", "Democratic Republic of Vietnam"),
    "YDYE": ("South Yemen", "People's Democratic Republic of Yemen"),
    "YUCS": ("Yugoslavia",),
    "ZRCD": ("Zaire",),
}


def find(text: str) -> list[Country]:
    """Return the countries that the text may mean, the likeliest first; none if it is blank.

    A code (of two, three or four letters, or three digits) or a whole name means only what is
    called so; otherwise the text means every country whose names have words that begin so.
    """
    return _lookup().find(fold(text).removeprefix("the "))


def name_of(code: str) -> str:
    """Return the name to show for a code, which is the code itself where no country has it."""
    country = _lookup().by_code.get(code)
    return country.name if country else code


def is_code(code: str) -> bool:
    """Say whether a country, living or past, has exactly this code: "GB" is one, "gb" is not."""
    return code in _lookup().by_code


@cache
def all_countries() -> tuple[Country, ...]:
    """Return every country, living or past, by folded name."""
    return tuple(sorted(_lookup().by_code.values(), key=_by_name))


@cache
def _lookup() -> Lookup[Country]:
    past = sorted(_past(), key=lambda entry: _by_name(entry.thing))
    return Lookup([*sorted(_living(), key=lambda entry: _by_name(entry.thing)), *past])


def _living() -> Iterator[Entry[Country]]:
    for record in pycountry.countries:
        official = (getattr(record, kind, "") for kind in ("official_name", "common_name"))
        shown, *others = _NAMES.get(record.alpha_2, (getattr(record, "common_name", record.name),))
        names = [*others, record.name, *filter(None, official)]
        yield Entry(Country(record.alpha_2, shown), names, [record.alpha_3, record.numeric])


def _past() -> Iterator[Entry[Country]]:
    """Countries that are no more, by names and codes that no living country has."""
    for record in pycountry.historic_countries:
        shown, *others = _NAMES.get(record.alpha_4, (record.name,))
        reused = pycountry.countries.get(alpha_3=record.alpha_3)
        yield Entry(Country(record.alpha_4, shown), others, [] if reused else [record.alpha_3])


def _by_name(country: Country) -> str:
    return fold(country.name)
