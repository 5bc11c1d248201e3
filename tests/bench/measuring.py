"""One run over one database: every line, by one client and by several, beside the limit."""

import contextlib
import json
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import repeat
from typing import NamedTuple

from bench import beside, statements
from bench.asking import Asker
from bench.driving import Asked, Sent, Times, Visitor, in_turn, together
from bench.exporting import Exported, exported
from bench.filling import Shelf
from bench.lines import Line, lines
from bench.sampling import sample
from bench.searching import Searched, searched, what_people_type
from bench.serving import Served, served
from bench.weighing import Weight, weighed

MAIN = '<main class="container" id="content">'
COOKIE = "__Host-session"


@dataclass(frozen=True)
class Effort:
    """How long a line is measured by one client, by how many more at once, and beside peers?"""

    seconds: float
    clients: int
    peers: bool = False


class LineTimes(NamedTuple):
    """One client of ours, the same client of the limit, several clients of ours, one of each peer.

    The peers are those of `beside`, on its lines and when they are asked for.
    """

    alone: Times
    limit: Times
    crowd: Times
    peers: Sequence[Times]


class Measured(NamedTuple):
    """What came of a line; the statements of what writes are not counted."""

    line: Line
    times: LineTimes
    statements: int | None

    @property
    def ratio(self) -> float:
        """How many times as long as the limit it takes."""
        return self.times.alone.over(self.times.limit)

    @property
    def crowding(self) -> float:
        """The p95 of several clients over the median of one."""
        return self.times.crowd.p95 / self.times.alone.median


@dataclass(frozen=True)
class Run:
    """All that was measured over one shelf."""

    shelf: Shelf
    measured: Sequence[Measured]
    searched: Sequence[Searched]
    exported: Exported
    weight: Weight
    began_in: float
    limit_began_in: float
    memory: float
    bare_load: float | None = None


def run(shelf: Shelf, effort: Effort) -> Run:
    """Measure every line."""
    with contextlib.closing(Asker(shelf.url)) as asker:
        asked, typed = lines(sample(shelf, asker)), what_people_type(asker, shelf.books)
    with served(shelf.environment) as ours, Visitor(ours.port) as visitor:
        visitor.sign_in()
        counts = statements.counts(shelf, asked, visitor.cookie)
        wanted = beside.visited(shelf, effort.peers)
        with _limit(shelf, visitor, asked) as limit, wanted as peers:
            bench = Bench(effort, ours.port, limit.port, visitor.cookie, peers)
            bench.crowd(asked[0])  # so that both workers have met a page
            times = [bench.measure(line, str(number)) for number, line in enumerate(asked)]
            found = searched(visitor, typed)
        with Visitor(ours.port, visitor.cookie) as reader:
            file = exported(shelf, ours, reader)
        return Run(
            shelf,
            [Measured(*both) for both in zip(asked, times, counts, strict=True)],
            searched=found,
            exported=file,
            weight=weighed(visitor, "/books/"),
            began_in=ours.began_in,
            limit_began_in=limit.began_in,
            memory=ours.memory(),
        )


@dataclass(frozen=True)
class Bench:
    """The application and its limit, both being served."""

    effort: Effort
    port: int
    limit_port: int
    cookie: str
    peers: Sequence[Visitor]

    def measure(self, line: Line, key: str) -> LineTimes:
        """A line by one client beside the limit, then by several."""
        one, seconds = self.effort.clients, self.effort.seconds
        with self._visitor() as visitor, Visitor(self.limit_port, self.cookie) as bare:
            # Other records than those of the clients, whose versions it would change.
            typed = next(line.sending(visitor, one + 2)).typed
            both = [
                Asked(visitor, line.sending(visitor, one)),
                Asked(bare, repeat(Sent(f"/{key}/{one + 2}", typed))),
            ]
            alone, limit, *peers = in_turn([*both, *beside.asked(line, self.peers)], seconds)
        return LineTimes(alone, limit, self.crowd(line), peers)

    def crowd(self, line: Line) -> Times:
        """A line by several clients at once."""
        with contextlib.ExitStack() as stack:
            several = range(self.effort.clients)
            visitors = [stack.enter_context(self._visitor()) for _ in several]
            return together(line.sending, visitors, self.effort.seconds)

    def _visitor(self) -> Visitor:
        return Visitor(self.port, self.cookie)


@contextlib.contextmanager
def _limit(shelf: Shelf, visitor: Visitor, asked: Sequence[Line]) -> Iterator[Served]:
    """The limit, served with the layout that a page of ours has."""
    head, _, rest = visitor.page("/books/").partition(MAIN)
    known = {
        "cookie": COOKIE,
        "head": head + MAIN,
        "tail": "</main>" + rest.partition("</main>")[2],
        "lines": {str(number): _as_data(line) for number, line in enumerate(asked)},
    }
    with tempfile.NamedTemporaryFile("w", suffix=".json", encoding="utf-8") as file:
        json.dump(known, file)
        file.flush()
        with served(shelf.environment | {"BENCH_LIMIT": file.name}, "bench.limit:app") as limit:
            yield limit


def _as_data(line: Line) -> dict[str, object]:
    pairs = [(statement.sql, list(statement.values)) for statement in line.best]
    return {"template": line.template, "statements": pairs}
