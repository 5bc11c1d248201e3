"""What people may search for: words of random books, alone and together, whole and in part."""

import random
from collections.abc import Iterator, Sequence
from statistics import median, quantiles
from typing import NamedTuple
from urllib.parse import quote_plus

from bench.asking import Asker
from bench.driving import Sent, Visitor
from bookshelf.core.text import words

BOOKS = 20  # each gives five searches
PAGES = {
    "Books": "/books/?q=",
    "Books, last page": "/books/?before=last&q=",
    "Books by author": "/books/?sort=author&q=",
    "Books in English": "/books/?language=eng&q=",
    "Authors": "/authors/?q=",
    "Search everywhere": "/search?q=",
}
KEYS = (
    "SELECT b.sort_key, a.sort_key FROM books b JOIN authors a ON a.id = b.author_id"
    " WHERE b.id >= %s ORDER BY b.id LIMIT 1"
)


class Searched(NamedTuple):
    """How long a page took, in milliseconds, for all that was typed."""

    name: str
    searches: int
    median: float
    p90: float
    longest: float


def what_people_type(asker: Asker, books: int) -> Sequence[str]:
    """The same for the same books."""
    drawn = random.Random(5)
    keys = [asker.ask(KEYS, [drawn.randrange(books)]) for _ in range(BOOKS)]
    return [typed for [(title, name)] in keys for typed in _typed(drawn, words(title), words(name))]


def _typed(drawn: random.Random, title: Sequence[str], name: Sequence[str]) -> Iterator[str]:
    """A word of a title, one of a name, a part, two words, and one of each."""
    yield drawn.choice(title)
    yield drawn.choice(name)
    yield drawn.choice(title)[:3]
    yield " ".join(drawn.sample(title, min(2, len(title))))
    yield f"{drawn.choice(name)} {drawn.choice(title)}"


def searched(visitor: Visitor, typed: Sequence[str]) -> Sequence[Searched]:
    """Ask for every page; each time counts as the better of two, so that the disk is read once."""
    return [_searched(visitor, name, path, typed) for name, path in PAGES.items()]


def _searched(visitor: Visitor, name: str, path: str, typed: Sequence[str]) -> Searched:
    asked = [Sent(path + quote_plus(one)) for one in typed]
    times = [min(visitor.time(one), visitor.time(one)) * 1000 for one in asked]
    return Searched(name, len(times), median(times), quantiles(times, n=10)[-1], max(times))
