"""Pages by cursor: each page starts where its neighbour ended, however far in it is.

The rows of a page follow a list of keys. The last key is unique (the id), so that the order is
total and no row repeats or hides. Only the first key may be empty (NULL); rows where it is come
last in either direction, as people expect. See https://use-the-index-luke.com/no-offset.
"""

import base64
import binascii
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, and_, or_, tuple_

from bookshelf.core.db import AnyRow, AnySelect, db

SIZE = 50
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


def fetch(
    statement: AnySelect,
    keys: Keys,
    *,
    descending: bool = False,
    after: str | None = None,
    before: str | None = None,
    size: int = SIZE,
) -> Page:
    """The `size` rows after a cursor, or before one, or the first ones.

    Raises BadCursor where a cursor is malformed or belongs to another order.
    """
    backwards = before is not None
    cursor = before if backwards else after
    query = _ordered(statement, keys, descending, backwards).limit(size + 1)
    if cursor is not None:
        query = query.where(_beyond(keys, decode(cursor, keys), descending, backwards))
    rows = db.session.execute(query).all()
    more, rows = len(rows) > size, rows[:size]
    if cursor is not None and (not rows or (backwards and not more)):
        # A short page in front would shift all that follow, an empty one says nothing.
        return fetch(statement, keys, descending=descending, size=size)
    return _page(rows[::-1] if backwards else rows, len(keys), more, backwards, cursor)


def _page(
    rows: Sequence[AnyRow], width: int, more: bool, backwards: bool, cursor: str | None
) -> Page:
    earlier, later = (more, True) if backwards else (cursor is not None, more)
    return Page(
        rows,
        previous=encode(rows[0][-width:]) if rows and earlier else None,
        next=encode(rows[-1][-width:]) if rows and later else None,
    )


def _ordered(statement: AnySelect, keys: Keys, descending: bool, backwards: bool) -> AnySelect:
    """The statement in the order of its keys, which it also selects for the cursors."""
    ordering = [key.desc() if descending != backwards else key.asc() for key in keys]
    if _may_be_empty(keys[0]):
        ordering[0] = ordering[0].nulls_first() if backwards else ordering[0].nulls_last()
    return statement.add_columns(*(key.label(f"key_{n}") for n, key in enumerate(keys))).order_by(
        *ordering
    )


def _beyond(
    keys: Keys, values: list[Any], descending: bool, backwards: bool
) -> ColumnElement[bool]:
    """The condition that a row lies beyond the cursor's values in the direction of travel."""
    first = keys[0]
    if values[0] is None:
        rest = and_(first.is_(None), _compare(keys[1:], values[1:], descending != backwards))
        return or_(first.is_not(None), rest) if backwards else rest
    beyond = _compare(keys, values, descending != backwards)
    if _may_be_empty(first) and not backwards:
        return or_(beyond, first.is_(None))
    return beyond


def _compare(keys: Keys, values: list[Any], falling: bool) -> ColumnElement[bool]:
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
