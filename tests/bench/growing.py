"""How much slower each page is over a larger shelf than over the smallest one.

Both are served, and asked in turn: what disturbs the machine disturbs both alike.
"""

import contextlib
from collections.abc import Iterator, Mapping, Sequence

from bench.asking import Asker
from bench.driving import Asked, Visitor, in_turn
from bench.filling import Shelf
from bench.lines import Line, lines
from bench.sampling import sample
from bench.serving import served


def grown(small: Shelf, large: Shelf, seconds: float) -> Mapping[str, float]:
    """How many times as long as at the smallest size each line takes, by name."""
    with _visited(small) as little, _visited(large) as big:
        pairs = zip(_lines(small), _lines(large), strict=True)
        return {one.name: _times(one, little, other, big, seconds) for one, other in pairs}


def _times(one: Line, little: Visitor, other: Line, big: Visitor, seconds: float) -> float:
    both = [Asked(little, one.sending(little, 0)), Asked(big, other.sending(big, 0))]
    at_small, at_large = in_turn(both, seconds)
    return at_large.over(at_small)


@contextlib.contextmanager
def _visited(shelf: Shelf) -> Iterator[Visitor]:
    """Somebody who is signed in to an application that is served over a shelf."""
    with served(shelf.environment) as ours, Visitor(ours.port) as visitor:
        visitor.sign_in()
        yield visitor


def _lines(shelf: Shelf) -> Sequence[Line]:
    with contextlib.closing(Asker(shelf.url)) as asker:
        return lines(sample(shelf, asker))
