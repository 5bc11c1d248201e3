"""The best of what fits: tier by tier, each read no further than as many rows as are asked for."""

from collections import ChainMap
from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Subquery, func, literal, select, union_all

from bookshelf.core.db import AnyRow, AnySelect, db
from bookshelf.core.keyset import in_turn
from bookshelf.core.places import near

Tiers = Sequence[Sequence[AnySelect]]


def best(shown: AnySelect, key: Any, row_id: Any, tiers: Tiers, limit: int) -> Sequence[AnyRow]:
    """The first rows by tier, then by key and id, each once; one statement.

    A tier is what any of its selects finds; they select from what the key belongs to. `shown`
    selects the columns of any row, and is joined to those that were found.
    """
    ways = [[near(found, (key, row_id), limit=limit) for found in tier] for tier in tiers]
    tiers = [[found for found, _ in tier] for tier in ways]
    columns = key.label("key"), row_id.label("id")
    read = in_turn(tiers, columns, (key, row_id), limit)
    numbered = (select(literal(n).label("tier"), part) for n, part in enumerate(read))
    found = union_all(*numbered).subquery()
    tier = func.min(found.c.tier).label("tier")
    ranked = select(found.c.id, tier, found.c.key).group_by(found.c.id, found.c.key)
    first = ranked.order_by(tier, found.c.key, found.c.id).limit(limit).subquery()
    statement = shown.join(first, row_id == first.c.id).order_by(*_order(first))
    given = ChainMap(*(dict(given) for tier in ways for _, given in tier))
    return db.session.execute(statement, given).all()


def _order(first: Subquery) -> list[ColumnElement[Any]]:
    return [first.c.tier, first.c.key, first.c.id]
