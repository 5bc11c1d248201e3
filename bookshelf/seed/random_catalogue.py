"""A catalogue of any size, for measuring: the same rows for the same seed, on either database.

Names and titles are recombined from the words in cultures.toml. As in life, a few authors have
written very much, most people come from few countries, and here and there something is missing.
"""

import re
import tomllib
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from random import Random
from typing import Any, Final, NamedTuple, TypeVar

from stdnum import ean

from bookshelf.authors.names import author_key
from bookshelf.books.titles import title_key

# Zipf's law with the exponent 1 - 1 / CROWD: of a million authors the first has written a
# hundredth of all books, the last ones a third of what is usual.
CROWD: Final = 3
SCATTER: Final = 2_147_483_647  # a prime: times it, modulo N, the numbers below N change places
OPTIONS: Final = 1000  # entries of a table from which one is drawn, the likely ones many times

BEGAN: Final = datetime(2004, 3, 1, tzinfo=UTC)
CEASED: Final = datetime(2026, 3, 1, tzinfo=UTC)
ISBN_BEGAN: Final = 1970
ISBNS: Final = 600_000_000  # so many of nine digits belong to the language groups 0 to 5
LONGEST: Final = 950  # characters; the longest title that is known from real catalogues has 958

Draw = Callable[[], float]  # a number from 0 to 1, 1 excluded
Pattern = Sequence[str | Sequence[str]]
T = TypeVar("T")


class AuthorRow(NamedTuple):
    """A row of the table of authors."""

    id: int
    name: str
    sort_name: str
    sort_key: str
    bio: str | None
    country: str | None
    created_at: datetime
    updated_at: datetime


class BookRow(NamedTuple):
    """A row of the table of books."""

    id: int
    title: str
    sort_key: str
    author_id: int
    isbn: str | None
    year: int | None
    publisher: str | None
    language: str | None
    created_at: datetime
    updated_at: datetime


class Culture(NamedTuple):
    """What authors of one language are called, where they live, and what they write."""

    language: str
    countries: Sequence[str]
    given: Sequence[str]
    initials: Sequence[str]
    families: Sequence[Pattern]
    family_name_first: bool
    titles: Sequence[Pattern]
    publishers: Sequence[str]


def authors(*, seed: int, count: int, first: int = 1) -> Iterator[AuthorRow]:
    """So many authors, with ids from `first` on."""
    draw = Random(f"{seed} authors").random
    step = (CEASED - BEGAN) / count
    biographies = _biographies()
    for number in range(count):
        culture, moment = _culture_of(number), BEGAN + number * step
        name, sort_name = _names(culture, draw)
        yield AuthorRow(
            id=first + number,
            name=name,
            sort_name=sort_name,
            sort_key=author_key(name, sort_name),
            bio=_written(_any(biographies, draw), draw) if draw() < 0.3 else None,
            country=_any(culture.countries, draw) if draw() < 0.92 else None,
            created_at=moment,
            updated_at=moment,
        )


def books(
    *,
    seed: int,
    count: int,
    authors: int,
    first: int = 1,
    first_author: int = 1,
    taken: Container[str | None] = (),
) -> Iterator[BookRow]:
    """So many books, with ids from `first` on, by so many authors, with theirs from `first_author`.

    A book that would get an ISBN among those taken has none.
    """
    draw = Random(f"{seed} books").random
    step = (CEASED - BEGAN) / max(count, 1)
    for number in range(count):
        author = int(authors * draw() ** CROWD) * SCATTER % authors
        translated = draw() < 0.05
        culture = _any(_cultures(), draw) if translated else _culture_of(author)
        title, moment, year = _title(culture, draw), BEGAN + number * step, _year(draw)
        has_isbn = draw() < (0.9 if (year or 0) >= ISBN_BEGAN else 0.02)
        isbn = _isbn(seed, number) if has_isbn else None
        yield BookRow(
            id=first + number,
            title=title,
            sort_key=title_key(title, culture.language),
            author_id=first_author + author,
            isbn=None if isbn in taken else isbn,
            year=year,
            publisher=_any(culture.publishers, draw) if draw() < 0.85 else None,
            language=culture.language if draw() < 0.9 else None,
            created_at=moment,
            updated_at=moment,
        )


def _any(options: Sequence[T], draw: Draw) -> T:
    return options[int(draw() * len(options))]


def _written(pattern: Pattern, draw: Draw) -> str:
    """One of the texts that a pattern stands for."""
    return "".join([part if type(part) is str else _any(part, draw) for part in pattern])


def _names(culture: Culture, draw: Draw) -> tuple[str, str]:
    """The name on the cover, and the one to sort by."""
    given, family = _any(culture.given, draw), _written(_any(culture.families, draw), draw)
    if culture.family_name_first:
        return f"{family}{given}", f"{family}{given}"
    further = draw()
    if further < 0.35:
        given = f"{given} {_any(culture.given, draw)}"
    elif further < 0.5 and culture.initials:
        given = f"{given} {_any(culture.initials, draw)}"
    return f"{given} {family}", f"{family}, {given}"


def _title(culture: Culture, draw: Draw) -> str:
    """A title; one in a thousand is as long as those of old books were."""
    title = _written(_any(culture.titles, draw), draw)
    if draw() < 0.001:
        length = LONGEST * draw()
        while len(title) < length:
            title = f"{title}; {_written(_any(culture.titles, draw), draw)}"
    return title[:LONGEST]


def _year(draw: Draw) -> int | None:
    """Mostly of late, sometimes long ago; before the year 1 it is negative."""
    kind = draw()
    if kind < 0.04:
        return None
    if kind < 0.05:
        return -700 + int(2400 * draw())
    return CEASED.year - int(160 * draw() ** 3)


def _isbn(seed: int, number: int) -> str:
    """The ISBN of a book, which no other of the same seed has."""
    digits = f"978{(number * SCATTER + seed) % ISBNS:09}"
    return digits + ean.calc_check_digit(digits)


def _culture_of(author: int) -> Culture:
    """The culture of the author of that number; their books need it before their row is read."""
    shares = _cultures()
    return shares[author * SCATTER % len(shares)]


@cache
def _cultures() -> Sequence[Culture]:
    """A thousand, as many of each kind as its share is."""
    listed = _file()["culture"]
    return [culture for words in listed for culture in [_culture(words)] * words["share"]]


@cache
def _biographies() -> Sequence[Pattern]:
    words = _file()["biographies"]
    return _compiled(words["patterns"], words)


def _culture(words: Mapping[str, Any]) -> Culture:
    draw = Random(words["language"]).random
    publishers = _compiled(words["publishers"], words)
    return Culture(
        language=words["language"],
        countries=_mostly_first(_parts(words["countries"])),
        given=_parts(words["given"]),
        initials=_parts(words["initials"]) if "initials" in words else (),
        families=_compiled(words.get("families", ["{family}"]), words),
        family_name_first=words.get("family_name_first", False),
        titles=_compiled(words["titles"], words),
        publishers=_mostly_first([_written(_any(publishers, draw), draw) for _ in range(100)]),
    )


def _mostly_first(options: Sequence[str]) -> Sequence[str]:
    """A table to draw from in which the second stands half as often as the first, and so on."""
    return [option for rank, option in enumerate(options, 1) for _ in range(OPTIONS // rank)]


def _compiled(patterns: Sequence[str], words: Mapping[str, Any]) -> Sequence[Pattern]:
    return [list(_pieces(pattern, words)) for pattern in patterns]


def _pieces(pattern: str, words: Mapping[str, Any]) -> Iterator[str | Sequence[str]]:
    """The parts of a pattern: a text, or the texts of which one will stand there."""
    for number, piece in enumerate(re.split(r"\{(\w+)\}", pattern)):
        if number % 2 == 0:
            yield piece
        elif "{" in words[piece]:
            yield from _pieces(words[piece], words)
        else:
            yield _parts(words[piece])


def _parts(listed: str) -> Sequence[str]:
    return listed.split(", ")


@cache
def _file() -> dict[str, Any]:
    return tomllib.loads((Path(__file__).parent / "cultures.toml").read_text(encoding="utf-8"))
