"""Languages by the names that people use, stored as the codes of ISO 639-3."""

import json
import re
from collections import Counter
from collections.abc import Container, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Final, NamedTuple

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
    return lookup().find(text)[:MOST]


def offer(text: str) -> list[Language]:
    """Return the languages that the text may become as it is typed on, MOST at most."""
    return lookup().offer(text)[:MOST]


def is_called(language: Language, text: str) -> bool:
    """Say whether the text is a code or a whole name of the language, or begins the one shown."""
    return lookup().is_called(language, text)


def name_of(code: str) -> str:
    """Return the name to show for a code, which is the code itself where no language has it."""
    language = lookup().by_code.get(code)
    return language.name if language else code


def is_code(code: str) -> bool:
    """Say whether ISO 639-3 has exactly this code: "eng" is one, "en" and "ENG" are not."""
    return code in lookup().by_code


@cache
def lookup() -> Lookup[Language]:
    """All of them, put in order once, in a sixth of a second."""
    records = sorted(_records(), key=lambda record: fold(record.names[0]))
    claims = Counter(key for record in records for key in {whole(record.names[0]), *record.codes})
    reserved = {
        key
        for record in records
        if record.short_code
        for key in (record.short_code, whole(record.names[0]))
    }
    common = [_common(record) for record in records if record.short_code]
    rare = [_rare(record, claims, reserved) for record in records if not record.short_code]
    return Lookup([*common, *rare])


class _Record(NamedTuple):
    """A language as ISO 639-3 has it: the name to show comes first, the code to store as well."""

    names: Sequence[str]
    codes: Sequence[str]
    short_code: str | None


def _records() -> Iterator[_Record]:
    """All languages, from the file of pycountry: its objects would keep 10 MB in each process."""
    file = Path(pycountry.DATABASE_DIR, "iso639-3.json")
    for listed in json.loads(file.read_text(encoding="utf-8"))["639-3"]:
        kinds = ("alpha_3", "alpha_2", "bibliographic")
        codes = [listed[kind] for kind in kinds if kind in listed]
        yield _Record(_names(listed), codes, listed.get("alpha_2"))


def _names(listed: Mapping[str, str]) -> Sequence[str]:
    """The name to show, without ISO's dates ("Occitan (post 1500)"), and then all other names."""
    name = listed["name"]
    plain = re.sub(r" \([^)]*(\d|macrolanguage)[^)]*\)", "", name)
    own = _NAMES.get(listed["alpha_3"], (plain,))
    return list(dict.fromkeys((*own, name, listed.get("inverted_name", name))))


def _common(record: _Record) -> Entry[Language]:
    shown, *names = record.names
    return Entry(Language(record.codes[0], shown), names, record.codes)


def _rare(record: _Record, claims: Mapping[str, int], reserved: Container[str]) -> Entry[Language]:
    """A language whose shown name means no other: "Mon (mnw)", as "mon" is Mongolian's code.

    The code of ISO 639-1 or the name of a common language never means a rare one: "EN" is English.
    """
    shown, code = record.names[0], record.codes[0]
    names = [name for name in record.names if whole(name) not in reserved]
    if claims[whole(shown)] > 1:
        shown = f"{shown} ({code})"
    return Entry(Language(code, shown), names, record.codes)
