"""In how many rows words are, as far as PostgreSQL's statistics tell; kept for some minutes."""

import time
from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple
from weakref import WeakKeyDictionary

from sqlalchemy import Engine, Float, Text, cast, column, func, literal, select, table, true
from sqlalchemy.dialects.postgresql import ARRAY

from bookshelf.core.counting import noted
from bookshelf.core.db import AnySelect, Model, db

MANY: Final = 500  # rows: it takes half a millisecond to look them up
VERY_OFTEN: Final = 0.05  # of all rows: any order soon leads to some
HOLDS_FOR_S: Final = 600
ALL: Final = ""  # in place of a word: all rows have it

STATISTICS = table(
    "pg_stats",
    column("tablename"),
    column("most_common_elems"),
    column("most_common_elem_freqs", ARRAY(Float)),
)


class Known(NamedTuple):
    """The rows of each word that is in many, and when that was asked, in seconds."""

    rows: Mapping[str, float]
    asked_at: float


_known: WeakKeyDictionary[Engine, dict[type[Model], Known]] = WeakKeyDictionary()


def is_known(model: type[Model]) -> bool:
    """Whether it need not be asked again yet."""
    known = _of_engine().get(model)
    return known is not None and time.monotonic() - known.asked_at < HOLDS_FOR_S


def common_words(number: int, model: type[Model]) -> AnySelect:
    """A number, and ALL and each word that is in many rows, with how many these are."""
    elements = cast(cast(STATISTICS.c.most_common_elems, Text), ARRAY(Text))
    each: Any = func.unnest(
        func.array_prepend(ALL, elements),
        func.array_prepend(cast(1, Float), cast(STATISTICS.c.most_common_elem_freqs, ARRAY(Float))),
    )
    common = each.table_valued(column("word", Text), column("share", Float)).render_derived()
    rows = common.c.share * noted(model)
    of_model = STATISTICS.c.tablename == f"ix_{model.__tablename__}_words"
    return (
        select(literal(number), common.c.word, rows)
        .join_from(STATISTICS, common, true())
        .where(of_model, common.c.word.is_not(None), rows >= MANY)
    )


def note(model: type[Model], rows: Iterable[tuple[str, float]]) -> None:
    """Keep what was asked."""
    _of_engine()[model] = Known(dict(rows), time.monotonic())


def rows_with(model: type[Model], words: Iterable[str]) -> float:
    """About how many rows have one of some words; none, where nothing is known."""
    known = _of_engine().get(model)
    return sum(known.rows.get(word, 0) for word in words) if known else 0


def _of_engine() -> dict[type[Model], Known]:
    return _known.setdefault(db.engine, {})
