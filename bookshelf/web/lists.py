"""What a list page was asked for, which its URL says, and the URLs that lead on from it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from urllib.parse import urlencode

from flask import request, url_for

from bookshelf.core import counting, keyset
from bookshelf.core.counting import Count
from bookshelf.core.db import AnySelect
from bookshelf.core.matching import found_at_beginnings
from bookshelf.web.filters import Chosen, Filter, Unclear
from bookshelf.web.urls import typed

SIZES = (25, keyset.SIZE, 100, 200)
COUNTED = 1_000  # rows that a filter leaves are counted so far
HOW, CURSORS = ("sort", "size"), ("after", "before")
EXACT, CAPPED = "exact", "capped"  # how rows may be asked to be counted

Found = Callable[..., Sequence[AnySelect]]  # selects that together find the rows


@dataclass
class Listing:
    """A page of rows, and the state of its list: search, order, filters, and what was ignored.

    `counted_later` says that to count them might cost more than to find those of the page.
    """

    sorts: Mapping[str, keyset.Keys]
    filters: Sequence[Filter] = ()
    chosen: dict[str, Chosen] = field(default_factory=dict)
    notices: list[str] = field(default_factory=list)
    size: int = keyset.SIZE
    sizes: Sequence[int] = SIZES
    counted_later: bool = False
    page: keyset.Page = field(init=False)
    count: Count = field(init=False)

    def __post_init__(self) -> None:
        self.q = typed("q")
        self._read_sort()
        self._read_size()
        for one in self.filters:
            try:
                if chosen := one.read():
                    self.chosen[one.name] = chosen
            except Unclear as problem:
                self.notices.append(str(problem))
        known = {
            "q",
            "count",
            *HOW,
            *CURSORS,
            *(name for one in self.filters for name in one.parameters),
        }
        for name in sorted(set(request.args) - known):
            shown = name.replace("\0", "")[:60]
            self.notices.append(f"This list cannot be narrowed by “{shown}”.")

    def _read_sort(self) -> None:
        order = typed("sort")
        self.sort, self.descending = order.removeprefix("-"), order.startswith("-")
        if self.sort not in self.sorts:
            if order:
                self.notices.append(f"This list cannot be sorted by “{order}”.")
            self.sort, self.descending = next(iter(self.sorts)), False

    def _read_size(self) -> None:
        size = typed("size")
        if size in map(str, SIZES):
            self.size = int(size)
        elif size:
            self.notices.append(f"A page has 25, 50, 100 or 200 rows, and not “{size}”.")

    def fetch(
        self,
        found: Found,
        page_of: Callable[..., keyset.Page],
        total: Callable[[], Count],
    ) -> None:
        """Read the page that the URL asks for, and how many rows there are.

        A cursor that fits nothing leads to the first page.
        """
        at = keyset.Position(
            self.descending, request.args.get("after"), request.args.get("before"), self.size
        )
        try:
            self.page = page_of(**self.asked, sort=self.sort, at=at)
        except keyset.BadCursor:
            self.notices.append("That page is not known here; this is the first one.")
            at = keyset.Position(self.descending, size=self.size)
            self.page = page_of(**self.asked, sort=self.sort, at=at)
        self.count = self._count(found, total)

    def _count(self, found: Found, total: Callable[[], Count]) -> Count:
        """How many rows there are, as exactly as it costs no more than the page itself."""
        if self.page.previous is None and self.page.next is None:
            return Count(len(self.page.rows))
        if typed("count") == EXACT:
            return counting.exactly(found(**self.asked))
        if not self.narrowed:
            return total()
        if count := self._count_of_filter(found):
            return count
        if typed("count") == CAPPED:
            return counting.up_to(found(**self.asked), counting.MANY)
        self.counted_later = True
        return Count(self.size, more=True)

    def _count_of_filter(self, found: Found) -> Count | None:
        """How many rows a filter leaves, if it is the only one and says how to count them."""
        if self.q or len(self.chosen) != 1:
            return None
        [(name, chosen)] = self.chosen.items()
        order = next(one.counted_by for one in self.filters if one.name == name)
        if order is None:
            return chosen.leaves
        ordered = [part.order_by(*self.sorts[order]) for part in found(**self.asked)]
        return counting.up_to(ordered, COUNTED)

    @property
    def asked(self) -> dict[str, Any]:
        """What the rows are found by, as the query of the list takes it."""
        return {"q": self.q, **{name: chosen.value for name, chosen in self.chosen.items()}}

    @property
    def short_words(self) -> list[str]:
        """The words of the search that are not found inside of others."""
        return found_at_beginnings(self.q)

    @property
    def narrowed(self) -> bool:
        """Whether the list leaves rows out."""
        return bool(self.q or self.chosen)

    def url(self, **changes: str | None) -> str:
        """The URL of this list with some parameters changed, None taking one away.

        A cursor belongs to one order and one choice of rows, so it stays only when given.
        """
        return _with_parameters(self._path, {**self.state, **changes})

    def url_at(self, endpoint: str) -> str:
        """The URL of something else about the rows that this list shows, on all its pages."""
        return _with_parameters(url_for(endpoint), self.state)

    def url_without(self, name: str) -> str:
        """The URL of this list without one of its filters."""
        return self.url(**dict.fromkeys(self.chosen[name].parameters))

    @cached_property
    def _path(self) -> str:
        return url_for(str(request.endpoint))

    @cached_property
    def state(self) -> dict[str, str]:
        """The parameters that say which list this is, what is usual left out."""
        order = ("-" if self.descending else "") + self.sort
        usual = order == next(iter(self.sorts))
        state = {"q": self.q, "sort": "" if usual else order}
        state["size"] = "" if self.size == keyset.SIZE else str(self.size)
        for chosen in self.chosen.values():
            state |= chosen.parameters
        return state

    @property
    def carried(self) -> dict[str, str]:
        """What a form that narrows the list anew carries along unseen."""
        return {name: value for name, value in self.state.items() if value and name in HOW}

    def url_counted(self, how: str) -> str:
        """The URL of this page with its rows counted: EXACT, or CAPPED at 10,000."""
        return self.url(count=how, **{name: request.args.get(name) for name in CURSORS})

    def url_sorted_by(self, sort: str) -> str:
        """The URL of this list in that order, or the other way round where it has it already."""
        turn = sort == self.sort and not self.descending
        usual = sort == next(iter(self.sorts))
        return self.url(sort=f"-{sort}" if turn else None if usual else sort)

    def direction(self, sort: str) -> str | None:
        """How the list is sorted by a column, as `aria-sort` says it."""
        if sort != self.sort:
            return None
        return "descending" if self.descending else "ascending"


def _with_parameters(path: str, parameters: Mapping[str, str | None]) -> str:
    """A path with those of the parameters that have a value."""
    present = {name: value for name, value in parameters.items() if value}
    return f"{path}?{urlencode(present)}" if present else path
