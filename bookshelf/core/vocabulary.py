"""Which words of the shelf hold what was typed: they are looked up first, and rows by them then.

Beside a table, PostgreSQL has one with all words of its keys, and indexes the rows by theirs
(revision 0009). SQLite has neither, and reads keys until a page is full.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache, reduce
from itertools import chain
from math import inf, prod
from operator import add
from typing import Any, Final, NamedTuple

from sqlalchemy import (
    ColumnElement,
    CompoundSelect,
    Text,
    and_,
    bindparam,
    column,
    false,
    func,
    literal,
    null,
    or_,
    select,
    table,
    union_all,
)
from sqlalchemy.dialects.postgresql import ARRAY

from bookshelf.core import frequency
from bookshelf.core.db import AnySelect, Model, db
from bookshelf.core.matching import Term, begins, has_all, has_beginning, holds, keys_of, terms

# A part that more words have is in so many rows that a page of them is soon read. An index would
# have to merge as many lists.
MANY_WORDS: Final = 200

# For this transaction, found by trying some hundred searches of ten million books. Where a few rows
# end a search, neither parallel workers nor compiled plans bring what they cost, and the server has
# others to serve. In less memory, what an index finds would become whole pages. Rows that an index
# finds are mostly at hand; to meet them one by one in another order costs more than is expected.
SETTINGS: Final = {
    "max_parallel_workers_per_gather": "0",
    "jit": "off",
    "work_mem": "32MB",
    "random_page_cost": "0.25",
    "effective_cache_size": "1200MB",
}

LIKE: Final = re.compile(r"[\\%_]")  # what LIKE does not take for itself

# What words were looked up for: a text, the table whose keys have them, whether they hold the text
# anywhere or begin with it. None stands for too many of them.
Way = tuple[str, str, bool]
Fitting = Mapping[Way, Sequence[str] | None]


@dataclass(frozen=True)
class KnownTerm(Term):
    """A term with the words that fit it."""

    fitting: Fitting = field(default_factory=dict)

    def within(self, model: type[Model]) -> ColumnElement[bool]:
        if not self.leads_to(model):
            return super().within(model)
        ways = zip(keys_of(model), self._ways(model), strict=True)
        held = [key for key, way in ways if self.fitting[way]]
        has_one = _has_one_of(model, self.text, held, self.fitting_words(model))
        return or_(has_one, _has_initials(model, self.spelt)) if self.spelt else has_one

    def fitting_words(self, model: type[Model]) -> Sequence[str]:
        """The words that fit in any key of a row, where these are not too many."""
        return [word for way in self._ways(model) for word in self.fitting[way] or ()]

    def rows(self, model: type[Model]) -> float:
        """About how many rows have a word that fits, or the letters as words."""
        letters = self.spelt.split()[:-1]
        spelt = min((frequency.rows_with(model, [letter]) for letter in letters), default=0)
        return spelt + frequency.rows_with(model, self.fitting_words(model))

    def leads_to(self, model: type[Model]) -> bool:
        """Whether rows are looked up by the words that fit, as these are not too many."""
        return all(self.fitting[way] is not None for way in self._ways(model))

    def _ways(self, model: type[Model]) -> Iterator[Way]:
        return ((self.text, table, self.anywhere) for table in _tables_of(model))

    def beginning(self, model: type[Model]) -> ColumnElement[bool]:
        words = self.fitting[self.text, next(_tables_of(model)), False]
        if words is None:
            return super().beginning(model)
        # Words of other keys are as good here, so most rows that have one may lack it in this key.
        begins_one = has_beginning(keys_of(model)[:1], self.text)
        return and_(begins_one, words_of(model).overlap(words)) if words else false()


class Search(NamedTuple):
    """Terms of which words lead to the rows of a model, which may be narrowed by more than these.

    `shares` are about which parts of all rows have a word that fits, term by term of those of which
    words lead, and `rows` about how many all are.
    """

    model: type[Model]
    terms: Sequence[KnownTerm]
    shares: Sequence[float]
    rows: float
    narrowed: bool

    @property
    def very_often(self) -> bool:
        """Whether each of them is in so many rows that any order soon leads to some."""
        return min(self.shares) >= frequency.VERY_OFTEN

    @property
    def many(self) -> bool:
        """Whether many rows have all of them, if these have nothing to do with each other."""
        return prod(self.shares) * self.rows >= frequency.MANY and not self.very_often


def looked_up(typed: str, *models: type[Model]) -> Sequence[Term]:
    """What somebody looks for among the rows of these models who typed that.

    On PostgreSQL the terms know their words, by one statement.
    """
    found = terms(typed)
    if not _are_kept() or not found or found[0].leads:
        return found
    ways = [
        (term.text, table, anywhere)
        for term in found
        for table in dict.fromkeys(chain.from_iterable(map(_tables_of, models)))
        for anywhere in {False, term.anywhere}
    ]
    fitting = _fitting(ways, models)
    return [KnownTerm(term.text, term.anywhere, fitting=fitting) for term in found]


def having_all(found: AnySelect, model: type[Model], looked_for: Sequence[Term]) -> AnySelect:
    """Those of the rows found whose keys have all terms; `first_of` knows whether words lead there.

    `found` selects from the table of the model.
    """
    narrowed = found.where(*has_all(model, looked_for))
    known = [term for term in looked_for if isinstance(term, KnownTerm)]
    leading = [term for term in known if term.leads_to(model)]
    if not leading:
        return narrowed
    rows = frequency.rows_with(model, [frequency.ALL])
    shares = [min(term.rows(model) / (rows or inf), 1.0) for term in leading]
    search = Search(model, known, shares, rows, narrowed=found.whereclause is not None)
    return narrowed.execution_options(search=search)


def search_of(found: AnySelect) -> Search | None:
    """What `having_all` has looked up for these rows."""
    search: Search | None = found.get_execution_options().get("search")
    return search


def first_of(ordered: AnySelect, limit: int) -> AnySelect:
    """The first rows of a select that is ordered.

    PostgreSQL takes rows that have a word to be spread evenly over any order, and so expects to
    meet enough of them soon. But the titles of one language stand together, and the order may have
    to be read to its end, for seconds. If it does not know how many are wanted, it reckons with a
    tenth of all there are, and looks the words up unless very many rows have them: a millisecond
    for each thousand rows. In the order of keys `places` knows a better way.

    How many have each of several words, or a word and what narrows them, it guesses as if these had
    nothing to do with each other. But there may be none, as of German words among English titles:
    the order would be read for ten seconds. So it is to reckon with all.
    """
    search = search_of(ordered)
    if not search or search.very_often:
        return ordered.limit(limit)
    if search.narrowed or len(search.terms) > 1:
        every_one = ordered.cte(nesting=True).prefix_with("MATERIALIZED")
        return select(every_one).limit(limit)
    return ordered.limit(select(literal(limit)).scalar_subquery())


def has_whole_words(model: type[Model], typed: str) -> list[ColumnElement[bool]]:
    """The conditions that every word that was typed is a word of a key; none is looked up."""
    by_words = _are_kept()
    return [
        words_of(model).contains([term.text]) if by_words and not term.leads else term.whole(model)
        for term in terms(typed)
    ]


def _are_kept() -> bool:
    """Whether the database has words, and indexes rows by them."""
    return db.engine.dialect.name == "postgresql"


def _fitting(ways: Sequence[Way], models: Sequence[type[Model]]) -> Fitting:
    """The words by way; where it is long ago, it is asked as well which are in many rows."""
    unknown = tuple(model for model in models if not frequency.is_known(model))
    statement = _look_up(tuple((table, anywhere) for _, table, anywhere in ways), unknown)
    given = {
        f"text_{number}": LIKE.sub(r"\\\g<0>", text) if anywhere else text
        for number, (text, _, anywhere) in enumerate(ways)
    }
    found: list[list[tuple[str, float]]] = [[] for _ in (*ways, *unknown)]
    for number, word, rows in db.session.connection().execute(statement, given):
        if number is not None:
            found[number].append((word, rows))
    for model, common in zip(unknown, found[len(ways) :], strict=True):
        frequency.note(model, common)
    return {
        way: [word for word, _ in few] if len(few) <= MANY_WORDS else None
        for way, few in zip(ways, found, strict=False)
    }


@lru_cache(maxsize=100)
def _look_up(
    ways: Sequence[tuple[str, bool]], unknown: Sequence[type[Model]]
) -> CompoundSelect[*tuple[Any, ...]]:
    """What is asked for ways of these tables and kinds; put together once for all texts."""
    parts = [_words_that_fit(number, *way) for number, way in enumerate(ways)]
    parts += [frequency.common_words(len(ways) + n, model) for n, model in enumerate(unknown)]
    set_up = [select(null(), func.set_config(*item, True), null()) for item in SETTINGS.items()]
    return union_all(*parts, *set_up)


def _words_that_fit(number: int, name: str, anywhere: bool) -> AnySelect:
    """These words, each with a number; one more than many are enough to know."""
    text: Any = bindparam(f"text_{number}", type_=Text)
    word = table(f"words_of_{name}", column("word", Text)).c.word
    fits = word.contains(text) if anywhere else begins(word, text)
    return select(literal(number), word, literal(0.0)).where(fits).limit(MANY_WORDS + 1)


def _has_one_of(
    model: type[Model], text: str, held: Sequence[Any], words: Sequence[str]
) -> ColumnElement[bool]:
    """The condition that a row has one of the words, which hold a text, in the keys given."""
    if not words:
        return false()
    return and_(_may_hold(held, text), words_of(model).overlap(words))


def _has_initials(model: type[Model], spelt: str) -> ColumnElement[bool]:
    """The condition that a key has these letters as words, the last as the beginning of one."""
    keys, whole = keys_of(model), spelt.split()[:-1]
    has_them = _may_hold(keys, spelt), has_beginning(keys, spelt)
    return and_(*has_them, words_of(model).contains(whole))


def _may_hold(keys: Sequence[Any], text: str) -> ColumnElement[bool]:
    """The condition that one of some keys holds a text.

    Beside the words it says nothing new, or little, but is three times as quick to see, where rows
    are read in the order of their keys. LIKE would say the same, yet the planner would take it for
    a second condition and expect far too few rows; of what is not 0 it expects nearly all. In a
    script of their own that is as well: such keys stand together at the end of the order, which
    would be read up to there, as if they were spread over all of it.
    """
    if not text.isascii():
        return holds(keys, text)
    return or_(*(func.strpos(key, text) != 0 for key in keys))


def _tables_of(model: type[Model]) -> Iterator[str]:
    """Those whose words the keys of a model have, key by key."""
    return iter(model.SEARCHED.values())


def words_of(model: type[Model]) -> Any:
    """All words of a row, as the index has them."""
    by_key = [func.string_to_array(key, " ", type_=ARRAY(Text)) for key in keys_of(model)]
    return reduce(add, by_key)
