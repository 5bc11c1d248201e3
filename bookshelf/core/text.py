"""The key under which names and titles sort and are found, however they are accented or spelled."""

import unicodedata
from collections.abc import Callable
from typing import Final

# A PostgreSQL btree entry holds at most 2,704 bytes, and an id stands beside the key.
SORT_KEY_BYTES: Final = 2_500

# What Unicode does not decompose becomes a near letter, as in the Latin-ASCII transform of CLDR.
# Ours are "ə", written "a" in English ("Aliyev"), and the apostrophes that count as letters.
_NEAR: Final = str.maketrans(
    {
        **dict(zip("øłđðħıŧŋĸ", "olddhitnq", strict=True)),
        **dict(zip("ƀɓɖɗɛɠǥɨƙɲɔʉʋƴƶ", "bbddeggiknouvyz", strict=True)),
        "æ": "ae",
        "œ": "oe",
        "þ": "th",
        "ə": "a",
        "ʻ": " ",
        "ʼ": " ",
    }
)


class _Folding(dict[int, str]):
    """What each code point becomes, worked out when it is first met: "É" is "e", "-" a space."""

    def __missing__(self, code: int) -> str:
        letters = _unaccented(chr(code)).casefold().translate(_NEAR)
        self[code] = "".join(" " if _separates(letter) else letter for letter in letters)
        return self[code]


def _unaccented(text: str) -> str:
    parts = unicodedata.normalize("NFKD", text)
    return "".join(part for part in parts if not unicodedata.combining(part))


def _separates(character: str) -> bool:
    return unicodedata.category(character)[0] in "PZC"


_FOLDED: Final = _Folding()


def fold(text: str) -> str:
    """Return the text as it is compared: "Zafón, Carlos Ruiz" is "zafon carlos ruiz".

    The decomposed text (NFKD, Unicode Standard Annex 15) without combining marks, case-folded;
    punctuation, control characters and runs of space are one space. Symbols stay ("c++"), and so
    does a text of nothing but punctuation. Folding twice changes nothing; no text raises.
    """
    return " ".join(text.translate(_FOLDED).split()) or _unfolded(text)


def folded_in_place(text: str) -> str:
    """Return the folded text with each letter in its place, "" where not each becomes just one.

    Blanks are as many as the text has. In ASCII each letter becomes one.
    """
    return text.translate(_FOLDED) if text.isascii() else ""


def unfolding(text: str) -> tuple[str, list[tuple[int, int]]]:
    """Return the folded text, and for each of its letters where it comes from, from and to."""
    found = _letter_by_letter(text, lambda character: _FOLDED[ord(character)])
    return found if found[0] else _letter_by_letter(text, _unfolded)


def _letter_by_letter(
    text: str, folding: Callable[[str], str]
) -> tuple[str, list[tuple[int, int]]]:
    letters: list[str] = []
    places: list[tuple[int, int]] = []
    for place, character in enumerate(text):
        folded = folding(character) or (" " if character.isspace() else "")
        if not folded and places:
            places[-1] = places[-1][0], place + 1  # an accent belongs to the letter before it
        for letter in folded:
            if letter != " " or letters[-1:] not in ([], [" "]):
                letters.append(letter)
                places.append((place, place + 1))
    folded = "".join(letters).rstrip()
    return folded, places[: len(folded)]


def _unfolded(text: str) -> str:
    """A text such as "???", which must sort and be found too, free of control characters."""
    parts = unicodedata.normalize("NFKD", text)
    kept = "".join(" " if unicodedata.category(part)[0] == "C" else part for part in parts)
    return " ".join(kept.split())


def sort_key(text: str) -> str:
    """Return `fold(text)`, cut to SORT_KEY_BYTES of UTF-8 at the end of a character.

    What stands beyond the cut, in the longest texts of the longest scripts, is neither sorted by
    nor found.
    """
    return fold(text).encode()[:SORT_KEY_BYTES].decode(errors="ignore").rstrip()


def words(text: str) -> list[str]:
    """Return the folded words of what somebody typed to search; a blank text has none."""
    return fold(text).split()
