"""What a list can be narrowed by: read from its URL as people type it, or refused in words."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

from bookshelf.core.counting import Count
from bookshelf.core.db import NONE
from bookshelf.web.urls import parse_id, typed

EARLIEST, LATEST = -9999, 9999  # years


class Chosen(NamedTuple):
    """What a list is narrowed to: for its query, in its URL, and as people call it.

    `leaves` is how many rows that leaves, where it was learned on the way.
    """

    value: Any
    parameters: Mapping[str, str]
    label: str
    leaves: Count | None = None


class Unclear(Exception):
    """What was typed narrows nothing; the message says why."""


class Filter(Protocol):
    """One way to narrow a list.

    `name` is the argument of the query. `counted_by` is the sort in whose index the rows that are
    left stand together, so that counting some of them costs little; None where there is none.
    """

    @property
    def name(self) -> str: ...

    @property
    def counted_by(self) -> str | None: ...

    @property
    def parameters(self) -> tuple[str, ...]:
        """The parameters of the URL that are read."""

    def read(self) -> Chosen | None:
        """What was chosen, if anything was; raises Unclear."""


@dataclass(frozen=True)
class ByCode:
    """By what has a code, such as a country; by its absence where `none` says how to call that.

    What fits, but is not called so, is not taken: "Man" is not the Isle of Man.
    """

    name: str
    find: Callable[[str], Sequence[Any]]
    is_called: Callable[[Any, str], bool]
    none: str = ""
    counted_by: str | None = None

    @property
    def parameters(self) -> tuple[str, ...]:
        return (self.name,)

    def read(self) -> Chosen | None:
        text = typed(self.name)
        if self.none and text.casefold() in (NONE, self.none.casefold()):
            return Chosen(NONE, {self.name: NONE}, self.none)
        thing = _the_one(self.name, text, self.find, self.is_called)
        return thing and Chosen(thing.code, {self.name: thing.code}, thing.name)


@dataclass(frozen=True)
class ByRecord:
    """By a record, whose id NAME_id holds, or which NAME means.

    Records have a `name`, and know the `count` of the rows that they leave.
    """

    called: str
    load: Callable[[int], Any]
    find: Callable[[str], Sequence[Any]]
    count: Callable[[Any], Count]
    counted_by: None = None

    @property
    def name(self) -> str:
        return f"{self.called}_id"

    @property
    def parameters(self) -> tuple[str, ...]:
        return (self.name, self.called)

    def read(self) -> Chosen | None:
        text = typed(self.name)
        record = self._of_id(text) if text else _the_one(self.called, typed(self.called), self.find)
        if record is None:
            return None
        parameters = {self.name: str(record.id)}
        return Chosen(record.id, parameters, record.name, self.count(record))

    def _of_id(self, text: str) -> Any:
        record_id = parse_id(text)
        record = self.load(record_id) if record_id else None
        if record is None:
            raise Unclear(f"There is no {self.called} {text}.")
        return record


@dataclass(frozen=True)
class ByYears:
    """From a year, to a year, or both; "1999" alone is one year."""

    name: str = "years"
    counted_by: str | None = None
    parameters: tuple[str, ...] = ("from", "to")

    def read(self) -> Chosen | None:
        given = {name: _year(typed(name)) for name in self.parameters if typed(name)}
        if not given:
            return None
        first, last = given.get("from", EARLIEST), given.get("to", LATEST)
        if first > last:
            raise Unclear(f"No year is from {first} to {last}. The list is not narrowed by it.")
        parameters = {name: str(year) for name, year in given.items()}
        return Chosen((first, last), parameters, _years_in_words(given))


@dataclass(frozen=True)
class Without:
    """By the absence of something."""

    name: str
    label: str
    counted_by: str | None = None

    @property
    def parameters(self) -> tuple[str, ...]:
        return (self.name,)

    def read(self) -> Chosen | None:
        if not typed(self.name):
            return None
        if typed(self.name) == NONE:
            return Chosen(NONE, {self.name: NONE}, self.label)
        raise Unclear(f"This list cannot be narrowed by {self.name}, except to “{self.label}”.")


def _the_one(
    name: str,
    text: str,
    find: Callable[[str], Sequence[Any]],
    is_called: Callable[[Any, str], bool] = lambda thing, text: True,
) -> Any:
    """The one thing that what was typed means, None where nothing was; raises Unclear."""
    if not text:
        return None
    found = find(text)
    if len(found) == 1 and is_called(found[0], text):
        return found[0]
    fits = _fits(name, [thing.name for thing in found])
    raise Unclear(f"“{text}” {fits}. The list is not narrowed by it.")


def _fits(name: str, found: Sequence[str]) -> str:
    """What a text does that means no one thing."""
    if not found:
        return f"fits no {name}"
    how = "several" if len(found) > 1 else "only in part"
    return f"fits {how}: {', '.join(found[:8])}"


def _year(text: str) -> int:
    if not re.fullmatch("[-−]?[0-9]{1,4}", text):
        raise Unclear(f"“{text}” is not a year. The list is not narrowed by it.")
    return int(text.replace("−", "-"))


def _years_in_words(given: Mapping[str, int]) -> str:
    if "to" not in given:
        return f"From {given['from']}"
    if "from" not in given:
        return f"To {given['to']}"
    return f"{given['from']} to {given['to']}" if given["from"] != given["to"] else f"{given['to']}"
