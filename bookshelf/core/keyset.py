"""Pages by cursor: each page starts where its neighbour ended, however far in it is.

The rows of a page follow a list of keys. The last key is the id, so that the order is total and no
row repeats or hides. Only the first key may be empty (NULL); rows where it is come last in either
direction, as people expect. See https://use-the-index-luke.com/no-offset.

An OR ("beyond the cursor, or empty") would make a database read an order from its beginning. So
what lies beyond a cursor is put together from parts, each of which an index leads straight to.
"""

import base64
import binascii
import json
import re
from collections import ChainMap
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import CTE, ColumnElement, and_, case, func, select, true, tuple_, union, union_all

from bookshelf.core.db import AnyRow, AnySelect, db
from bookshelf.core.places import near
from bookshelf.core.vocabulary import first_of

SIZE = 50
LAST = "last"  # before this cursor stands the last page; no row has it
_LARGEST = 2**63 - 1
_UNSTORABLE = re.compile("[\0\ud800-\udfff]")  # no database takes NUL, no UTF-8 a surrogate

Keys = Sequence[Any]


class BadCursor(ValueError):
    """A cursor that this order of rows cannot have given out."""


@dataclass(frozen=True)
class Page:
    """Some rows and the cursors of their neighbours, None where there is no neighbour."""

    rows: Sequence[AnyRow]
    previous: str | None
    next: str | None


@dataclass(frozen=True)
class Position:
    """Which page of an order is wanted: after a cursor, before one (LAST: the end), or the first.

    `size` is the number of its rows.
    """

    descending: bool = False
    after: str | None = None
    before: str | None = None
    size: int = SIZE

    @property
    def backwards(self) -> bool:
        """Whether the page is read from its end."""
        return self.before is not None

    @property
    def falling(self) -> bool:
        """Whether the keys fall on the way on which the page is read."""
        return self.descending != self.backwards

    def values(self, keys: Keys) -> list[Any] | None:
        """What the cursor holds, None without one; raises BadCursor."""
        cursor = self.after if self.before is None else self.before
        return None if cursor is None or self.before == LAST else decode(cursor, keys)


FIRST = Position()


def fetch(
    found: Sequence[AnySelect],
    shown: AnySelect,
    keys: Keys,
    at: Position,
    *,
    first_is_empty: bool = False,
) -> Page:
    """The page at a position of the rows that any of `found` selects, in the order of the keys.

    Each of them is read no further than a page. `shown` selects what is shown of any row; it is
    joined to the page once that is found. `first_is_empty` says that the first key is NULL in all
    rows. Raises BadCursor where a cursor is malformed or belongs to another order.
    """
    values = at.values(keys)
    ways = [near(one, keys, values, limit=at.size + 1, falling=at.falling) for one in found]
    statement = _statement([one for one, _ in ways], shown, keys, at, first_is_empty)
    rows = db.session.execute(statement, ChainMap(*(dict(given) for _, given in ways))).all()
    more, rows = len(rows) > at.size, rows[: at.size]
    if values and (not rows or (at.backwards and not more and len(rows) < at.size)):
        # A short page in front would shift all that follow, an empty one says nothing.
        first = replace(at, after=None, before=None)
        return fetch(found, shown, keys, first, first_is_empty=first_is_empty)
    later = at.before != LAST if at.backwards else more
    earlier = more if at.backwards else values is not None
    return _page(rows[::-1] if at.backwards else rows, len(keys), earlier, later)


def merged(found: Sequence[AnySelect], row_id: Any) -> AnySelect:
    """One select of all rows that any of `found` selects."""
    return found[0] if len(found) == 1 else select(row_id).where(row_id.in_(union(*found)))


def in_turn(
    parts: Iterable[Sequence[AnySelect]], columns: Sequence[Any], order: Sequence[Any], limit: int
) -> Iterator[CTE]:
    """The first rows of each part; one is read only where each before it has too few.

    A part is what any of its selects finds, of each the first rows, in no order.
    """
    lacking: list[ColumnElement[bool]] = []
    for number, selects in enumerate(parts):
        shown = (found.with_only_columns(*columns, maintain_column_froms=True) for found in selects)
        part = _together([first_of(one.order_by(*order), limit) for one in shown])
        if lacking:  # All or none; by a limit, as SQLite would try a condition with each row.
            every_one = limit * len(selects)
            part = select(part.subquery()).limit(case((and_(*lacking), every_one), else_=0))
        rows = part.cte(f"part_{number}")
        lacking.append(select(func.count()).select_from(rows).scalar_subquery() < limit)
        yield rows


def _together(parts: Sequence[AnySelect]) -> Any:
    """One part as it is, or several; SQLite takes a limit within a union only inside a subquery."""
    return parts[0] if len(parts) == 1 else union(*(select(part.subquery()) for part in parts))


def in_order(found: AnySelect, keys: Keys, *, descending: bool) -> AnySelect:
    """All rows that `found` selects, in the order of the pages."""
    order = _ordering(keys, Position(descending))
    if _may_be_empty(keys[0]):
        order[0] = order[0].nulls_last()
    return found.order_by(*order)


def _page(rows: Sequence[AnyRow], width: int, earlier: bool, later: bool) -> Page:
    return Page(
        rows,
        previous=encode(rows[0][-width:]) if rows and earlier else None,
        next=encode(rows[-1][-width:]) if rows and later else None,
    )


def _statement(
    found: Sequence[AnySelect], shown: AnySelect, keys: Keys, at: Position, first_is_empty: bool
) -> AnySelect:
    """The rows of a page and one more, as they are met on the way, each with its keys last."""
    labelled = [key.label(f"key_{n}") for n, key in enumerate(keys)]
    parts = [[one.where(part) for one in found] for part in _parts(keys, at, first_is_empty)]
    read = list(in_turn(parts, labelled, _ordering(keys, at), at.size + 1))
    # By itself, as `first_of` has it: the joins below would again reckon with the first rows alone.
    page = read[0] if len(read) == 1 else union_all(*map(select, read)).cte("page")
    page = page.prefix_with("MATERIALIZED", dialect="postgresql")
    columns = list(page.c)
    order = _ordering(columns, at)
    if _may_be_empty(keys[0]):
        order[0] = order[0].nulls_first() if at.backwards else order[0].nulls_last()
    matching = shown.join(page, keys[-1] == columns[-1])
    return matching.add_columns(*columns).order_by(*order).limit(at.size + 1)


def _ordering(keys: Keys, at: Position) -> list[Any]:
    return [key.desc() if at.falling else key.asc() for key in keys]


def _parts(keys: Keys, at: Position, first_is_empty: bool) -> list[ColumnElement[bool]]:
    """What lies beyond the cursor, as conditions that follow each other on the way."""
    first, values = keys[0], at.values(keys)
    if first_is_empty:
        return [_beyond(keys[1:], values[1:], at.falling)] if values else [true()]
    if not _may_be_empty(first):
        return [_beyond(keys, values, at.falling) if values else true()]
    halves = [first.is_not(None), first.is_(None)]
    if at.backwards:
        halves.reverse()
    if values is None:
        return halves
    if values[0] is None:
        here = and_(first.is_(None), _beyond(keys[1:], values[1:], at.falling))
    else:
        here = _beyond(keys, values, at.falling)
    in_the_last = (values[0] is None) != at.backwards
    return [here] if in_the_last else [here, halves[1]]


def _beyond(keys: Keys, values: list[Any], falling: bool) -> ColumnElement[bool]:
    here, there = tuple_(*keys), tuple_(*values)
    return here < there if falling else here > there


def _may_be_empty(key: Any) -> bool:
    return bool(key.expression.nullable)


def encode(values: Sequence[Any]) -> str:
    """The cursor of a row, from the values of its keys: text, whole numbers or None."""
    text = json.dumps(list(values), ensure_ascii=False, separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).rstrip(b"=").decode()


def decode(cursor: str, keys: Keys) -> list[Any]:
    """The values of a cursor; raises BadCursor unless they could be values of these keys."""
    try:
        values = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (binascii.Error, ValueError, RecursionError) as error:
        raise BadCursor(cursor) from error
    if not isinstance(values, list) or len(values) != len(keys):
        raise BadCursor(cursor)
    if not all(_fits(value, key) for value, key in zip(values, keys, strict=True)):
        raise BadCursor(cursor)
    return values


def _fits(value: object, key: Any) -> bool:
    if value is None:
        return _may_be_empty(key)
    if type(value) is not key.type.python_type:
        return False
    if isinstance(value, str):
        return not _UNSTORABLE.search(value)
    return isinstance(value, int) and abs(value) <= _LARGEST
