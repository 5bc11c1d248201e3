"""How many rows there are: exactly where that costs little, else about or at least."""

from collections.abc import Sequence
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import CompoundSelect, Float, ScalarSelect, case, column, func, select, table, union

from bookshelf.core.db import AnySelect, Model, db

MANY = 10_000  # a table with fewer rows is counted
CHEAP = 200_000  # SQLite counts a table up to this highest id
PG_CLASS = table("pg_class", column("oid"), column("reltuples", Float))


class Count(NamedTuple):
    """A number of rows: exact, or `about` so many, or `more` than so many."""

    number: int
    about: bool = False
    more: bool = False

    @property
    def exact(self) -> bool:
        """Whether it is just that number."""
        return not (self.about or self.more)

    def __str__(self) -> str:
        return f"{'about ' if self.about else 'more than ' if self.more else ''}{self.number:,}"


def exactly(found: Sequence[AnySelect]) -> Count:
    """All rows that any of some selects finds, whatever it costs."""
    return Count(_count(union(*found)))


def up_to(found: Sequence[AnySelect], most: int) -> Count:
    """The rows that any of some selects finds, or more than `most` of them."""
    # SQLite takes a limit within a union only inside a subquery.
    first = union(*(select(part.limit(most + 1).subquery()) for part in found))
    number = _count(first.limit(most + 1))
    return Count(min(number, most), more=number > most)


def _count(found: AnySelect | CompoundSelect[*tuple[Any, ...]]) -> int:
    return db.session.scalar(select(func.count()).select_from(found.subquery())) or 0


def total(model: type[Model]) -> Count:
    """All rows of a table, by one statement that costs the same however many there are.

    PostgreSQL notes about how many there are when it vacuums or analyses a table; a few it counts.
    SQLite has to count: half a millisecond for 100,000 rows, so many more it does not.
    """
    dialect = db.engine.dialect.name
    number, counted = db.session.connection().execute(_statement(model, dialect, MANY, CHEAP)).one()
    if number is None:
        return Count(min(counted, MANY), more=counted > MANY)
    return _about(int(number)) if dialect == "postgresql" else Count(number)


@cache
def _statement(model: type[Model], dialect: str, most: int, cheap: int) -> AnySelect:
    """The number that a database knows, or else NULL and how many there are up to `most` + 1.

    SQLite counts up to an id of `cheap`.
    """
    every_id = model.__table__.c.id
    few = select(func.count()).select_from(select(every_id).limit(most + 1).subquery())
    if dialect == "postgresql":
        known = noted(model)
        well_known = known >= most
    else:
        known = select(func.count()).select_from(model.__table__).scalar_subquery()
        well_known = select(func.max(every_id)).scalar_subquery() <= cheap
    return select(case((well_known, known)), case((well_known, None), else_=few.scalar_subquery()))


def _about(number: int) -> Count:
    """The number with three digits that count."""
    return Count(round(number, 3 - len(str(number))), about=True)


def noted(model: type[Model]) -> ScalarSelect[float]:
    """What PostgreSQL knows of the number of rows; -1 before it has looked for the first time."""
    is_the_table = PG_CLASS.c.oid == func.to_regclass(model.__tablename__)
    return select(PG_CLASS.c.reltuples).where(is_the_table).scalar_subquery()
