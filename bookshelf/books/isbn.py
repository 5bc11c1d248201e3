"""ISBNs: thirteen digits where they are stored, hyphens where they are shown."""

import re
from functools import lru_cache
from typing import Final

from stdnum import isbn

from bookshelf.core.text import fold

# What is written before the digits, folded: "ISBN", "ISBN-13:", "urn:isbn:", "eISBN".
_LABEL: Final = re.compile(r"(urn )?(e ?)?isbn( ?1[03](?!\d))?")


class InvalidIsbn(ValueError):
    """A text that is no ISBN; the message tells a person why."""


def normalise(text: str) -> str:
    """Return the 13 digits of an ISBN of 10 or 13, written with or without hyphens and a label.

    An ISBN of 10 gets the prefix 978 and another check digit. Raises InvalidIsbn where the length,
    a character, the prefix or the check digit is wrong. Source: ISBN Users' Manual, 7th edition.
    """
    # The minus sign, unlike all dashes, is a symbol, which `fold` keeps.
    written = fold(text.replace("\N{MINUS SIGN}", " "))
    label = _LABEL.match(written)
    number = written[label.end() if label else 0 :].replace(" ", "").upper()
    _refuse_other_characters(number)
    if len(number) not in (10, 13):
        raise InvalidIsbn(f"An ISBN has 10 or 13 digits, but this has {len(number)}.")
    _refuse_other_prefixes(number)
    _refuse_wrong_check_digit(number)
    return isbn.to_isbn13(number)


def isbn_of(text: str) -> str | None:
    """Return the 13 digits of a text that is an ISBN, None for any other."""
    try:
        return normalise(text)
    except InvalidIsbn:
        return None


@lru_cache(maxsize=10_000)
def hyphenate(number: str) -> str:
    """Return the 13 digits in their groups, "978-0-261-10357-3", as far as these are known.

    It is remembered, as lists show the same books again and again: looking for the range of a
    number takes as long as all else in the row of a book. Source: the ranges of the International
    ISBN Agency, as python-stdnum holds them.
    """
    return isbn.format(number)


def _refuse_other_characters(number: str) -> None:
    """Refuse all but digits, and the X that stands for ten at the end of an ISBN of 10."""
    digits = number[:-1] if len(number) == 10 and number.endswith("X") else number
    if others := list(dict.fromkeys(re.findall(r"[^0-9]", digits))):
        named = ", ".join(f"“{other}”" for other in others[:5])
        raise InvalidIsbn(f"An ISBN has digits only, and X only as the last of 10. Remove {named}.")


def _refuse_other_prefixes(number: str) -> None:
    if len(number) == 13 and not number.startswith(("978", "979")):
        raise InvalidIsbn(f"An ISBN of 13 digits begins with 978 or 979, not with {number[:3]}.")
    if len(number) == 13 and number.startswith("9790"):
        raise InvalidIsbn("Numbers that begin with 979-0 are for printed music (ISMN), not books.")


def _refuse_wrong_check_digit(number: str) -> None:
    """Name the digit that would be right, though the slip may be in any other."""
    if isbn.is_valid(number):
        return
    right = next(digit for digit in "0123456789X" if isbn.is_valid(number[:-1] + digit))
    raise InvalidIsbn(
        f"The check digit of {number} should be {right}, not {number[-1]}. "
        "Compare all digits with those in the book."
    )
