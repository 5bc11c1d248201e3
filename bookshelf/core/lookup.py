"""Finding what somebody means by a name or a code that they typed."""

from collections.abc import Iterable, Sequence
from operator import itemgetter
from typing import Generic, NamedTuple, Protocol, TypeVar

from bookshelf.core.text import fold


class Coded(Protocol):
    """What has a code, which is stored, and a name, which is shown."""

    @property
    def code(self) -> str: ...

    @property
    def name(self) -> str: ...


T = TypeVar("T", bound=Coded)


class Entry(NamedTuple, Generic[T]):
    """A thing with its other names, and what else finds it, such as codes, but only as a whole."""

    thing: T
    names: Sequence[str] = ()
    codes: Sequence[str] = ()


def whole(name: str) -> str:
    """Return the key under which names count as one: "U.S.A." and "usa" have the same."""
    return fold(name).replace(" ", "")


class Lookup(Generic[T]):
    """Things found by code and by name, offered in the order of the entries."""

    def __init__(self, entries: Iterable[Entry[T]]) -> None:
        self.by_code: dict[str, T] = {}
        self._exact: dict[str, list[T]] = {}
        self._names: list[tuple[T, str]] = []
        for entry in entries:
            self._add(entry)

    def _add(self, entry: Entry[T]) -> None:
        thing = entry.thing
        names = [thing.name, *entry.names]
        self.by_code[thing.code] = thing
        self._names.append((thing, "".join(f" {fold(name)}" for name in names)))
        for key in {whole(text) for text in (*names, thing.code, *entry.codes)}:
            self._exact.setdefault(key, []).append(thing)

    def find(self, text: str) -> list[T]:
        """Return what the text means, the likeliest first; nothing for a blank text.

        A code as it is stored means that thing alone. Otherwise a whole name or code, compared by
        `whole`, means only what is called so. Otherwise the text means everything of which
        each word begins a word of a name: first what is shown under a name that begins so, then
        what is shown under one that has them.
        """
        if thing := self.by_code.get(text.strip()):
            return [thing]
        return list(self._exact.get(whole(text), ())) or self._beginning(fold(text))

    def offer(self, text: str) -> list[T]:
        """Return what the text may become as it is typed on: what it means now comes first."""
        found = [*self.find(text), *self._beginning(fold(text))]
        return list({thing.code: thing for thing in found}.values())

    def is_called(self, thing: T, text: str) -> bool:
        """Say whether the text is a code or a whole name of a thing, or begins the one shown."""
        whole_name = thing in self._exact.get(whole(text), ())
        return whole_name or fold(thing.name).startswith(fold(text))

    def _beginning(self, key: str) -> list[T]:
        starts = [f" {word}" for word in key.split()]
        found = [
            (names.startswith(f" {key}"), _has_all(f" {fold(thing.name)}", starts), thing)
            for thing, names in self._names
            if starts and _has_all(names, starts)
        ]
        return [thing for *_, thing in sorted(found, key=itemgetter(0, 1), reverse=True)]


def _has_all(names: str, starts: Iterable[str]) -> bool:
    return all(start in names for start in starts)
