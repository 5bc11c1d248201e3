"""The first rows that have some words, wherever they stand in the order of their keys.

A word that many rows have may be in every tenth of them, or in some that stand together, as titles
of one language do. To look all of them up takes a millisecond for each thousand; to read the order
until there are enough may take seconds. So PostgreSQL also indexes the words of a row together with
its place in the order of a key, the first letters of that (revisions 0010 and 0011), and the rows
are met place by place: in each they are looked up, unless it has so many that enough of them are
soon read. For words of few rows that would be too much ado, as for those of so many that any order
soon leads to some; `frequency` knows which these are.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, reduce
from typing import Any, Final, NamedTuple

from sqlalchemy import (
    CTE,
    BigInteger,
    ColumnElement,
    ScalarSelect,
    Text,
    and_,
    bindparam,
    case,
    exists,
    func,
    literal,
    or_,
    select,
    true,
    tuple_,
    union_all,
)
from sqlalchemy.dialects.postgresql import ARRAY, array

from bookshelf.core.db import AnySelect, Model
from bookshelf.core.matching import AFTER_ALL, keys_of
from bookshelf.core.vocabulary import KnownTerm, search_of, words_of

FEW: Final = 500  # rows are sooner looked up and sorted than met in their order
NEAR: Final = 100  # places are gone through before all rows are looked up, if these are few

NO_IDS: Final = array([], type_=BigInteger)
ZERO: Final = literal(0)
WORDS: Final = ARRAY(Text)

Given = Mapping[str, Any]  # the values of a statement, by name


class Kind(NamedTuple):
    """What the conditions of a term look like, whatever it says."""

    leads: bool
    anywhere: bool
    spelt: bool


def near(
    found: AnySelect,
    keys: Sequence[Any],
    at: Sequence[Any] | None = None,
    *,
    limit: int,
    falling: bool = False,
) -> tuple[AnySelect, Given]:
    """Of the rows found some among which are the first `limit` beyond a cursor, by keys.

    All of them, unless they were searched for and the first key leads to a place; the last one is
    the id. `at` has the values of the keys at the cursor. The select comes with what it is
    executed with: it is put together once for all terms of a kind.
    """
    search = search_of(found)
    if not search or not search.many or search.narrowed:
        return found, {}
    model, terms = search.model, search.terms
    if not any(keys[0] is key for key in keys_of(model)):
        return found, {}
    kinds = tuple(Kind(one.leads_to(model), one.anywhere, bool(one.spelt)) for one in terms)
    given = {f"at_{number}": value for number, value in enumerate(at or ())}
    for number, term in enumerate(terms):
        given |= {f"{name}_{number}": value for name, value in _said(term, model)}
    order = tuple(key.key for key in keys)
    return _rows(Way(model, order, kinds, at is not None, falling, limit)), given


def _said(term: KnownTerm, model: type[Model]) -> Iterator[tuple[str, Any]]:
    """What a term says, by the name of its parameter."""
    yield "text", term.text if term.anywhere else f" {term.text}"
    yield "spelt", f" {term.spelt}"
    yield "letters", term.spelt.split()[:-1]
    yield "words", term.fitting_words(model)


@dataclass(frozen=True)
class Way:
    """The way through an order to `limit` rows that have terms of these kinds, or to its end."""

    model: type[Model]
    order: tuple[str, ...]  # the columns by which rows are ordered
    kinds: tuple[Kind, ...]
    from_cursor: bool
    falling: bool
    limit: int

    @property
    def searched(self) -> Sequence[Any]:
        """The keys in which the terms are, as columns."""
        return [self.model.__table__.c[name] for name in self.model.SEARCHED]

    @property
    def keys(self) -> Sequence[Any]:
        """What rows are ordered by."""
        return [self.model.__table__.c[name] for name in self.order]

    @property
    def place(self) -> Any:
        """The first two letters of a row's first key; one where that is not ASCII.

        Scripts with many letters would make very many places of two.
        """
        key = self.keys[0]
        is_ascii = func.octet_length(func.left(key, 1)) == 1
        return func.rpad(key, case((is_ascii, 2), else_=1), type_=Text)

    def ordering(self) -> Iterator[Any]:
        """The order in which rows are met."""
        return (key.desc() if self.falling else key.asc() for key in self.keys)

    def beyond(self, *keys: Any) -> ColumnElement[bool]:
        """The condition that a row lies beyond the cursor."""
        if not self.from_cursor:
            return true()
        cursor = tuple_(*(bindparam(f"at_{number}") for number, _ in enumerate(keys)))
        here = tuple_(*keys)
        return here < cursor if self.falling else here > cursor

    def met(self, *columns: Any) -> AnySelect:
        """The rows beyond the cursor, as they are met."""
        return select(*columns).where(self.beyond(*self.keys)).order_by(*self.ordering())

    def looked_up(self, place: Any = None) -> Iterator[ColumnElement[bool]]:
        """The conditions that a row has each term, by an index: that of all rows, or of a place."""
        indexed = words_of(self.model) if place is None else self.placed_words()
        for number, kind in enumerate(self.kinds):
            if not kind.leads:
                yield self._holds(number, kind)
                continue
            has_one = indexed.overlap(_given("words", number, place))
            letters = indexed.contains(_given("letters", number, place))
            initials = and_(letters, self._is_spelt(number))
            yield or_(has_one, initials) if kind.spelt else has_one

    def placed_words(self) -> Any:
        """Each word of a row with its place before it, as the index has them."""
        line = func.chr(10, type_=Text)
        words = reduce(lambda one, other: one + " " + other, self.searched)
        rest = func.replace(words, " ", line + self.place + " ", type_=Text)
        return func.string_to_array(self.place + " " + rest, line, type_=WORDS)

    def seen(self) -> Iterator[ColumnElement[bool]]:
        """The conditions that a row has each term, where rows are read one by one."""
        return (self._holds(number, kind) for number, kind in enumerate(self.kinds))

    def _holds(self, number: int, kind: Kind) -> ColumnElement[bool]:
        text = bindparam(f"text_{number}", type_=Text)
        keys = self.searched if kind.anywhere else [" " + key for key in self.searched]
        held = or_(*(func.strpos(key, text) > 0 for key in keys))
        return or_(held, self._is_spelt(number)) if kind.spelt else held

    def _is_spelt(self, number: int) -> ColumnElement[bool]:
        text = bindparam(f"spelt_{number}", type_=Text)
        return or_(*(func.strpos(" " + key, text) > 0 for key in self.searched))


def _given(name: str, number: int, place: Any) -> Any:
    """Words that the select is executed with, each with the place before it if there is one."""
    words: Any = bindparam(f"{name}_{number}", type_=WORDS)
    if place is None:
        return words
    word = func.unnest(words, type_=Text).column_valued()
    placed = select(place + " " + word).correlate(place.table).scalar_subquery()
    return func.array(placed, type_=WORDS)


@lru_cache(maxsize=200)
def _rows(way: Way) -> AnySelect:
    """The ids of the rows that are met on a way.

    Rows that have each of several terms may be few, though each term alone is in many.
    """
    row_id = way.keys[-1]
    if len(way.kinds) == 1:
        return select(row_id).where(row_id.in_(select(func.unnest(_walk(way).c.ids))))
    rare = select(_few(way).label("ids")).cte("rare").prefix_with("MATERIALIZED")
    are_many = select(rare.c.ids).scalar_subquery().is_(None)
    walk = _walk(way, are_many)
    came_far = exists().where(walk.c.step == NEAR)
    ids = select(func.unnest(walk.c.ids)), select(func.unnest(rare.c.ids)).where(came_far)
    return select(row_id).where(row_id.in_(union_all(*ids)))


def _walk(way: Way, far: ColumnElement[bool] | None = None) -> CTE:
    """The places, each with the rows that were met there; `far` is asked when some are behind."""
    beginning = way.met(way.place).limit(1).scalar_subquery()
    start = select(
        beginning.label("place"), NO_IDS.label("ids"), ZERO.label("met"), ZERO.label("step")
    )
    walk = start.cte("walk", recursive=True)
    ids = func.coalesce(_few(way, walk), _next_ones(way, walk), NO_IDS)
    here = select(ids.label("ids")).offset(0).lateral("here")
    met = walk.c.met + func.cardinality(here.c.ids)
    step = select(_place_beyond(way, walk), here.c.ids, met, walk.c.step + 1)
    goes_on = [walk.c.met < way.limit, walk.c.place.is_not(None)]
    if far is not None:
        goes_on.append(or_(walk.c.step < NEAR, far))
    return walk.union_all(step.join_from(walk, here, true()).where(*goes_on))


def _few(way: Way, walk: CTE | None = None) -> ScalarSelect[Any]:
    """The ids of all rows, or of those in a place, beyond the cursor; NULL if they are many."""
    place = None if walk is None else walk.c.place
    found = select(*way.keys).where(*way.looked_up(place)).correlate(walk)
    # By itself: if the planner knew how few are wanted, it might read the table.
    looked_up = found.cte("looked_up", nesting=True).prefix_with("MATERIALIZED")
    first = select(looked_up).limit(FEW + 1).subquery()
    ids = func.array_agg(first.c.id).filter(way.beyond(*first.c))
    return select(case((func.count() <= FEW, func.coalesce(ids, NO_IDS)))).scalar_subquery()


def _next_ones(way: Way, walk: CTE) -> ScalarSelect[Any]:
    """The ids of the first rows beyond the cursor that are met in a place."""
    key, row_id = way.keys[0], way.keys[-1]
    here = key >= func.rtrim(walk.c.place), key < walk.c.place + AFTER_ALL
    first = way.met(row_id).where(*here, *way.seen()).limit(way.limit)
    return select(func.array_agg(first.correlate(walk).subquery().c.id)).scalar_subquery()


def _place_beyond(way: Way, walk: CTE) -> ScalarSelect[Any]:
    """The place that follows on the way."""
    key, place = way.keys[0], walk.c.place
    follows = key < func.rtrim(place) if way.falling else key > place + AFTER_ALL
    following = select(way.place).where(follows).order_by(*way.ordering()).limit(1)
    return following.correlate(walk).scalar_subquery()
