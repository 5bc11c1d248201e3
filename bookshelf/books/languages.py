"""Languages by the names that people use, stored as the codes of ISO 639-3."""

import re
from collections import Counter
from collections.abc import Container, Mapping
from functools import cache
from itertools import chain
from typing import Any, Final, NamedTuple

import pycountry

from bookshelf.core.lookup import Entry, Lookup, whole
from bookshelf.core.text import fold

MOST: Final = 20


class Language(NamedTuple):
    """A language: its code of ISO 639-3 ("eng") and the name to show ("English")."""

    code: str
    name: str


# Where ISO's name is not the one that people read and type: the name to show, then other names.
_NAMES: Final[dict[str, tuple[str, ...]]] = {
    "abk": ("Abkhaz",),
    "ben": ("Bengali", "Bangla"),
    "cat": ("Catalan", "Valencian"),
    "chu": ("Church Slavonic", "Old Church Slavonic", "Old Slavonic"),
    "cmn": ("Mandarin Chinese", "Mandarin", "Putonghua"),
    "deu": ("German", "Deutsch"),
    "div": ("Dhivehi", "Maldivian"),
    "ell": ("Greek", "Modern Greek"),
    "eus": ("Basque", "Euskara"),
    "fas": ("Persian", "Farsi"),
    "ful": ("Fula", "Fulani"),
    "fra": ("French", "Français"),
    "gla": ("Scottish Gaelic", "Gaelic", "Scots Gaelic"),
    "gle": ("Irish", "Gaelic", "Irish Gaelic"),
    "grc": ("Ancient Greek", "Classical Greek"),
    "hat": ("Haitian Creole",),
    "hbs": ("Serbo-Croatian", "Serbo-Croat"),
    "ina": ("Interlingua",),
    "kal": ("Greenlandic", "Kalaallisut"),
    "khm": ("Khmer", "Cambodian"),
    "kik": ("Kikuyu", "Gikuyu"),
    "kir": ("Kyrgyz",),
    "lim": ("Limburgish",),
    "lug": ("Luganda",),
    "mri": ("Māori",),
    "mul": ("Multiple languages", "Multilingual"),
    "mya": ("Burmese", "Myanmar"),
    "nan": ("Min Nan Chinese", "Hokkien", "Taiwanese"),
    "nld": ("Dutch", "Flemish", "Nederlands"),
    "nno": ("Norwegian Nynorsk", "Nynorsk"),
    "nob": ("Norwegian Bokmål", "Bokmål"),
    "nya": ("Chichewa", "Chewa", "Nyanja"),
    "ori": ("Odia",),
    "oss": ("Ossetian", "Ossetic"),
    "pan": ("Punjabi",),
    "por": ("Portuguese", "Português"),
    "pus": ("Pashto",),
    "roh": ("Romansh", "Rumantsch"),
    "ron": ("Romanian", "Moldovan", "Moldavian", "Rumanian"),
    "run": ("Kirundi",),
    "sin": ("Sinhala", "Sinhalese"),
    "slv": ("Slovenian", "Slovene"),
    "sme": ("Northern Sami", "Northern Saami"),
    "spa": ("Spanish", "Castilian", "Español"),
    "ssw": ("Swazi", "Siswati"),
    "swa": ("Swahili", "Kiswahili"),
    "ton": ("Tongan",),
    "tsn": ("Tswana", "Setswana"),
    "uig": ("Uyghur",),
    "xho": ("Xhosa", "isiXhosa"),
    "yue": ("Yue Chinese", "Cantonese"),
    "zul": ("Zulu", "isiZulu"),
}


def find(text: str) -> list[Language]:
    """Return the languages that the text may mean, the likeliest first; none if it is blank.

    A code (ISO 639-1, 639-2 or 639-3) or a whole name means only what is called so; otherwise the
    text means the languages whose names have words that begin so, MOST at most; those of
    ISO 639-1 come first.
    """
    return _lookup().find(text)[:MOST]


def offer(text: str) -> list[Language]:
    """Return the languages that the text may become as it is typed on, MOST at most."""
    return _lookup().offer(text)[:MOST]


def is_called(language: Language, text: str) -> bool:
    """Say whether the text is a code or a whole name of the language, or begins the one shown."""
    return _lookup().is_called(language, text)


def name_of(code: str) -> str:
    """Return the name to show for a code, which is the code itself where no language has it."""
    language = _lookup().by_code.get(code)
    return language.name if language else code


def is_code(code: str) -> bool:
    """Say whether ISO 639-3 has exactly this code: "eng" is one, "en" and "ENG" are not."""
    return code in _lookup().by_code


@cache
def _lookup() -> Lookup[Language]:
    common, rare = [], []
    claims = Counter(chain.from_iterable(map(_claims, pycountry.languages)))
    reserved = {key for record in _common() for key in (record.alpha_2, whole(_names(record)[0]))}
    for record in sorted(pycountry.languages, key=lambda record: fold(_names(record)[0])):
        if hasattr(record, "alpha_2"):
            shown, *names = _names(record)
            common.append(Entry(Language(record.alpha_3, shown), names, _codes(record)))
        else:
            rare.append(_rare(record, claims, reserved))
    return Lookup([*common, *rare])


def _common() -> list[Any]:
    return [record for record in pycountry.languages if hasattr(record, "alpha_2")]


def _rare(record: Any, claims: Mapping[str, int], reserved: Container[str]) -> Entry[Language]:
    """A language whose shown name means no other: "Mon (mnw)", as "mon" is Mongolian's code.

    The code of ISO 639-1 or the name of a common language never means a rare one: "EN" is English.
    """
    shown, *names = _names(record)
    names = [name for name in (shown, *names) if whole(name) not in reserved]
    if claims[whole(shown)] > 1:
        shown = f"{shown} ({record.alpha_3})"
    return Entry(Language(record.alpha_3, shown), names, _codes(record))


def _claims(record: Any) -> set[str]:
    return {whole(_names(record)[0]), *_codes(record)}


@cache
def _names(record: Any) -> tuple[str, ...]:
    """The name to show, without ISO's dates ("Occitan (post 1500)"), and then all other names."""
    plain = re.sub(r" \([^)]*(\d|macrolanguage)[^)]*\)", "", record.name)
    inverted = getattr(record, "inverted_name", record.name)
    return tuple(dict.fromkeys((*_NAMES.get(record.alpha_3, (plain,)), record.name, inverted)))


@cache
def _codes(record: Any) -> list[str]:
    kinds = ("alpha_3", "alpha_2", "bibliographic")
    return [getattr(record, kind) for kind in kinds if hasattr(record, kind)]
