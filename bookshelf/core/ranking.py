"""The best of what fits: tier by tier, each read no further than as many rows as are asked for."""

from collections import ChainMap
from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import CTE, ColumnElement, Subquery, distinct, func, literal, select, union_all

from bookshelf.core.db import AnyRow, AnySelect, db
from bookshelf.core.keyset import together
from bookshelf.core.places import near
from bookshelf.core.vocabulary import first_of

Tiers = Sequence[Sequence[AnySelect]]


def best(shown: AnySelect, key: Any, row_id: Any, tiers: Tiers, limit: int) -> Sequence[AnyRow]:
    """The first rows by tier, then by key and id, each once; one statement.

    A tier is what any of its selects finds; they select from what the key belongs to. `shown`
    selects the columns of any row, and is joined to those that were found.
    """
    ways = [[near(found, key, limit=limit) for found in tier] for tier in tiers]
    tiers = [[found for found, _ in tier] for tier in ways]
    found = union_all(*map(select, _read(key, row_id, tiers, limit))).subquery()
    tier = func.min(found.c.tier).label("tier")
    ranked = select(found.c.id, tier, found.c.key).group_by(found.c.id, found.c.key)
    first = ranked.order_by(tier, found.c.key, found.c.id).limit(limit).subquery()
    statement = shown.join(first, row_id == first.c.id).order_by(*_order(first))
    given = ChainMap(*(dict(given) for tier in ways for _, given in tier))
    return db.session.execute(statement, given).all()


def _read(key: Any, row_id: Any, tiers: Tiers, limit: int) -> Iterator[CTE]:
    """The tiers; one is read only where none before it has as many rows as are asked for."""
    lacking: list[ColumnElement[bool]] = []
    for number, selects in enumerate(tiers):
        columns = row_id.label("id"), key.label("key"), literal(number).label("tier")
        ordered = [
            found.where(*lacking)
            .with_only_columns(*columns, maintain_column_froms=True)
            .order_by(key, row_id)
            for found in selects
        ]
        parts = [first_of(part, limit) for part in ordered]
        tier = together(parts, overlap=False).cte(f"tier_{number}")
        rows = select(func.count(distinct(tier.c.id))).scalar_subquery()
        lacking.append(rows < limit)
        yield tier


def _order(first: Subquery) -> list[ColumnElement[Any]]:
    return [first.c.tier, first.c.key, first.c.id]
