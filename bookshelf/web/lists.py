"""What a list page was asked for, which its URL says, and the URLs that lead on from it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol, TypeVar

from flask import request, url_for

from bookshelf.core import keyset
from bookshelf.core.lookup import Coded
from bookshelf.web.urls import parse_id


class Named(Protocol):
    """Something that people call by a name, such as a country or an author."""

    @property
    def name(self) -> Any: ...


LONGEST = 2_000  # characters; pages let people type 200

T = TypeVar("T", bound=Named)
C = TypeVar("C", bound=Coded)


class Filter(NamedTuple):
    """What a list is narrowed to: the value in its URL, and what people call it."""

    value: str
    label: str


@dataclass
class Listing:
    """A page of rows, and the state of its list: search, order, filters, and what was ignored."""

    sorts: Mapping[str, keyset.Keys]
    filters: dict[str, Filter] = field(default_factory=dict)
    notices: list[str] = field(default_factory=list)
    page: keyset.Page = field(init=False)

    def __post_init__(self) -> None:
        self.q = _typed("q")
        typed = _typed("sort")
        self.sort, self.descending = typed.removeprefix("-"), typed.startswith("-")
        if self.sort not in self.sorts:
            if typed:
                self.notices.append(f"This list cannot be sorted by “{typed}”.")
            self.sort, self.descending = next(iter(self.sorts)), False

    def filter_by(
        self, name: str, find: Callable[[str], Sequence[C]], is_called: Callable[[C, str], bool]
    ) -> str | None:
        """The code of what a parameter names; a notice where it names nothing, or several.

        What fits, but is not called so, is not taken: "Man" is not the Isle of Man.
        """
        found = self._meant(name, find, is_called)
        if found is None:
            return None
        self.filters[name] = Filter(found.code, found.name)
        return found.code

    def filter_by_record(
        self, name: str, load: Callable[[int], Any], find: Callable[[str], Sequence[Any]]
    ) -> int | None:
        """The id that NAME_id holds, or that of the record which NAME means; notices as above."""
        key = f"{name}_id"
        typed = _typed(key)
        record_id = parse_id(typed)
        record = load(record_id) if record_id else self._meant(name, find)
        if record is not None:
            self.filters[key] = Filter(str(record.id), record.name)
            return int(record.id)
        if typed:
            self.notices.append(f"There is no {name} {typed}.")
        return None

    def _meant(
        self,
        name: str,
        find: Callable[[str], Sequence[T]],
        is_called: Callable[[T, str], bool] = lambda thing, typed: True,
    ) -> T | None:
        """The one thing that what was typed means; a notice where it is not one."""
        typed = _typed(name)
        found = find(typed) if typed else ()
        if len(found) == 1 and is_called(found[0], typed):
            return found[0]
        if typed:
            fits = _fits(name, [item.name for item in found])
            self.notices.append(f"“{typed}” {fits}. The list is not narrowed by it.")
        return None

    def fetch(self, query: Callable[..., keyset.Page], **filters: Any) -> None:
        """Read the page that the URL asks for; a cursor that fits nothing leads to the first."""
        asked = {"q": self.q, "sort": self.sort, "descending": self.descending, **filters}
        after, before = request.args.get("after"), request.args.get("before")
        try:
            self.page = query(**asked, after=after, before=before)
        except keyset.BadCursor:
            self.notices.append("That page is not known here; this is the first one.")
            self.page = query(**asked)

    @property
    def narrowed(self) -> bool:
        """Whether the list leaves rows out."""
        return bool(self.q or self.filters)

    def url(self, **changes: str | None) -> str:
        """The URL of this list with some parameters changed, None taking one away.

        A cursor belongs to one order and one choice of rows, so it stays only when given.
        """
        changed = {**self.state, **changes}
        present: dict[str, Any] = {name: value for name, value in changed.items() if value}
        return url_for(str(request.endpoint), **present)

    @property
    def state(self) -> dict[str, str]:
        """The parameters that say which list this is, the usual order left out."""
        order = ("-" if self.descending else "") + self.sort
        usual = order == next(iter(self.sorts))
        filters = {name: narrowed.value for name, narrowed in self.filters.items()}
        return {"q": self.q, "sort": "" if usual else order, **filters}

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


def _fits(name: str, found: Sequence[str]) -> str:
    """What a text does that means no one thing."""
    if not found:
        return f"fits no {name}"
    how = "several" if len(found) > 1 else "only in part"
    return f"fits {how}: {', '.join(found[:8])}"


def _typed(name: str) -> str:
    """A parameter of the URL as a person meant it; SQLite fails at patterns that are very long."""
    return request.args.get(name, "").replace("\0", "").strip()[:LONGEST]
