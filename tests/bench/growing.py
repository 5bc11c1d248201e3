"""How much slower each page is over a larger shelf than over the smallest one.

Both are served, and asked in turn: what disturbs the machine disturbs both alike. But a connection
stays with one worker, and that may be on a disturbed core for a while. So all pages are gone
through several times, over new connections each time.
"""

import contextlib
from collections.abc import Iterator, Mapping, Sequence

from bench.asking import Asker
from bench.driving import Asked, Times, Visitor, in_turn
from bench.filling import Shelf
from bench.lines import Line, lines
from bench.sampling import sample
from bench.serving import served

ROUNDS = 5

Pair = tuple[Line, Line]  # the same line at both sizes


def grown(small: Shelf, large: Shelf, seconds: float) -> Mapping[str, float]:
    """How many times as long as at the smallest size each line takes, by name."""
    pairs = list(zip(_lines(small), _lines(large), strict=True))
    rounds = []
    with _signed_in(small) as here, _signed_in(large) as there:
        for _ in range(ROUNDS):
            with Visitor(*here) as little, Visitor(*there) as big:
                rounds.append([_asked(pair, little, big, seconds / ROUNDS) for pair in pairs])
    names = [one.name for one, _ in pairs]
    return dict(zip(names, map(_over, zip(*rounds, strict=True)), strict=True))


def _asked(pair: Pair, little: Visitor, big: Visitor, seconds: float) -> Sequence[Times]:
    one, other = pair
    return in_turn(
        [Asked(little, one.sending(little, 0)), Asked(big, other.sending(big, 0))], seconds
    )


def _over(rounds: Sequence[Sequence[Times]]) -> float:
    """How many times as long all rounds together took at the large size."""
    small, large = (
        Times([second for times in size for second in times.seconds])
        for size in zip(*rounds, strict=True)
    )
    return large.over(small)


@contextlib.contextmanager
def _signed_in(shelf: Shelf) -> Iterator[tuple[int, str]]:
    """The port at which a shelf is served, and the cookie of somebody who is signed in there."""
    with served(shelf.environment) as ours, Visitor(ours.port) as visitor:
        visitor.sign_in()
        yield ours.port, visitor.cookie


def _lines(shelf: Shelf) -> Sequence[Line]:
    with contextlib.closing(Asker(shelf.url)) as asker:
        return lines(sample(shelf, asker))
