"""How many rows there are: exactly where that costs little, else about or at least."""

from typing import NamedTuple

from sqlalchemy import Float, ScalarSelect, case, column, func, select, table

from bookshelf.core.db import AnySelect, Model, db

MANY = 10_000  # a table with fewer rows is counted
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


def exactly(found: AnySelect) -> Count:
    """All rows that a statement finds, whatever it costs."""
    counted = found.with_only_columns(func.count(), maintain_column_froms=True)
    return Count(db.session.scalar(counted) or 0)


def up_to(found: AnySelect, most: int) -> Count:
    """The rows that a statement finds, or more than `most` of them."""
    number = db.session.scalar(select(func.count()).select_from(found.limit(most + 1).subquery()))
    return Count(min(number or 0, most), more=(number or 0) > most)


def total(model: type[Model]) -> Count:
    """All rows of a table.

    PostgreSQL notes about how many there are when it vacuums or analyses a table; a few it counts.
    SQLite counts exactly: it takes 0.4 ms for 100,000 rows, 4 ms for a million.
    """
    everything = select(model.__table__.c.id)
    if db.engine.dialect.name != "postgresql":
        return exactly(everything)
    noted = _noted(model)
    few = select(func.count()).select_from(everything.limit(MANY + 1).subquery()).scalar_subquery()
    about, counted = db.session.execute(select(noted, case((noted < MANY, few)))).one()
    if counted is None:
        return Count(round(int(about), 3 - len(str(int(about)))), about=True)
    return Count(min(counted, MANY), more=counted > MANY)


def _noted(model: type[Model]) -> ScalarSelect[float]:
    """What PostgreSQL knows of the number of rows; -1 before it has looked for the first time."""
    is_the_table = PG_CLASS.c.oid == func.to_regclass(model.__tablename__)
    return select(PG_CLASS.c.reltuples).where(is_the_table).scalar_subquery()
