"""The name by which an author sorts, proposed from the name as it stands on the cover."""

import re
import unicodedata
from collections.abc import Sequence
from typing import Final

from bookshelf.core.text import sort_key, words

LONGEST: Final = 300

_SUFFIXES: Final = frozenset({"jr", "sr", "ii", "iii", "iv", "phd", "md", "esq"})
# French and English both begin the family name with these: "Du Maurier, Daphne".
_ALWAYS_IN_FRONT: Final = frozenset({"des", "du"})
_PARTICLES: Final = _ALWAYS_IN_FRONT.union(
    *(
        particles.split()
        for particles in (
            "am auf der und vom von zu zum zur",  # German
            "de den der het la 't te ten ter van",  # Dutch
            "af av",  # Danish, Norwegian, Swedish
            "de la le les mac st st.",  # French and English
            "da dal dalla de degli dei del della di la lo",  # Italian
            "da das de del do dos la las los",  # Portuguese and Spanish
            "al el",  # Arabic
        )
    )
)
_ALSO_GIVEN_NAMES: Final = frozenset({"Al", "Mac", "Van"})
_JOINING: Final = frozenset({"e", "i", "y"})
_FAMILY_NAME_FIRST: Final = ("CJK", "HANGUL", "HIRAGANA", "KATAKANA")


def propose_sort_name(name: str) -> str:
    """Return the name with the family name first: "Adichie, Chimamanda Ngozi".

    Particles in small letters go last ("Beethoven, Ludwig van"); in capitals they begin the family
    name ("Le Guin, Ursula K."), as "du" always does; "Jr." and its like stay at the end. These stay
    as they are: a name of one word, with a comma, with "of" or "the" ("Francis of Assisi"), of
    particles and one word ("La Fontaine"), in Chinese, Japanese or Korean script, and one that
    would become longer than LONGEST. It is a proposal, for people to correct, as languages differ.
    Source: AACR2 22.5, which follows IFLA's Names of Persons.
    """
    parts = name.split()
    suffixes = _taken_suffixes(parts)
    if _stays(parts):
        return " ".join(name.split())
    start = _start_of_family_name(parts)
    if parts[start] in _ALWAYS_IN_FRONT:
        parts[start] = parts[start].capitalize()
    proposed = ", ".join([" ".join(parts[start:]), " ".join(parts[:start]), *suffixes])
    return proposed if len(proposed) <= LONGEST else " ".join(name.split())


def in_order(typed: str) -> str:
    """Return the name that stands on the cover: "Chimamanda Ngozi Adichie" for one typed as lists
    have it, with one comma before what is no suffix; any other text as it is.
    """
    family_name, *given = (part.strip() for part in typed.split(","))
    if len(given) != 1 or not given[0] or _is_suffix(given[0]):
        return typed
    return f"{given[0]} {family_name}".strip()


def author_key(name: str, sort_name: str) -> str:
    """Return the sort key of an author: of the sort name, then the words that only the name has.

    So "Dr. Seuss", sorted as "Seuss", stands under "seuss" and is found by "dr seuss" as well.
    """
    sorted_by = words(sort_name)
    return sort_key(" ".join([sort_name, *(w for w in words(name) if w not in sorted_by)]))


def _taken_suffixes(parts: list[str]) -> list[str]:
    """Take "Jr." and its like off the end of the parts, with the comma before it."""
    suffixes: list[str] = []
    while len(parts) > 1 and _is_suffix(parts[-1]):
        suffixes.insert(0, parts.pop().rstrip(","))
        parts[-1] = parts[-1].rstrip(",")
    return suffixes


def _is_suffix(part: str) -> bool:
    return re.sub("[.,]", "", part).lower() in _SUFFIXES


def _stays(parts: Sequence[str]) -> bool:
    before = [word.lower() for word in parts[:-1] if word not in _ALSO_GIVEN_NAMES]
    return (
        len(parts) < 2
        or any("," in word or word in {"of", "the"} for word in parts)
        or (parts[0] not in _ALSO_GIVEN_NAMES and _PARTICLES.issuperset(before))
        or any(unicodedata.name(c, "").startswith(_FAMILY_NAME_FIRST) for c in "".join(parts))
    )


def _start_of_family_name(parts: Sequence[str]) -> int:
    """Where it begins: at its first particle in capitals, or after those in small letters."""
    last = len(parts) - 1
    if last >= 3 and parts[last - 1] in _JOINING:
        last -= 2
    first = last
    while first > 1 and parts[first - 1].lower() in _PARTICLES:
        first -= 1
    in_front = (i for i in range(first, last) if _begins_family_name(parts[i]))
    return next(in_front, last)


def _begins_family_name(particle: str) -> bool:
    return particle in _ALWAYS_IN_FRONT or not particle.islower()
