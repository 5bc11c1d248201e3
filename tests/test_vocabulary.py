"""The words that PostgreSQL looks up: kept with every row, and found the same without them."""

import re
from collections.abc import Callable, Sequence
from contextlib import closing
from functools import partial
from weakref import WeakKeyDictionary

import psycopg2
import pytest
from conftest import ROOT, Place, ask, execute, run_flask
from flask import Flask
from flask_migrate import upgrade
from servers import Server
from sqlalchemy import make_url
from sqlalchemy.exc import DataError
from test_matching import begins_with_each, has_each, hold_together, holds

from bookshelf.authors import queries
from bookshelf.authors.models import Author
from bookshelf.authors.services import create_author, update_author
from bookshelf.books import queries as books
from bookshelf.books.models import Book
from bookshelf.books.services import create_book
from bookshelf.core import counting, frequency, ranking
from bookshelf.core.db import db
from bookshelf.core.matching import begins_words
from bookshelf.core.text import sort_key
from bookshelf.core.vocabulary import (
    MANY_WORDS,
    KnownTerm,
    Search,
    first_of,
    has_whole_words,
    looked_up,
    search_of,
)

ROLE = "no_extensions"
INDEXES = "SELECT indexname FROM pg_indexes WHERE indexdef LIKE '%USING gin%' ORDER BY 1"
OF_ROWS = [
    *("ix_authors_places", "ix_authors_words"),
    *("ix_books_author_places", "ix_books_places", "ix_books_words"),
]
OF_PARTS = ["ix_words_of_authors_word_trgm", "ix_words_of_books_word_trgm"]
ADD = "INSERT INTO authors (name, sort_name, sort_key) VALUES ('x', 'x', '{}')"

both = pytest.mark.parametrize("place", ["sqlite", "postgresql"], indirect=True)
on_postgresql = pytest.mark.parametrize("place", ["postgresql"], indirect=True)


def found(typed: str) -> list[str]:
    """The names of the authors that a list shows."""
    return [row.name for row in queries.page_of_authors(q=typed).rows]


NAMES = [
    *(
        "J. R. R. Tolkien",
        "J. Rowling",
        "Jrrmann",
        "Ann Lee",
        "Lee, Anna-Maria",
        "O'Brien",
        "村上春樹",
        "村上 龍",
    ),
    *('a"b', "100% true", "a_b", "back\\slash", "C++ & C#", "I ♥ NY", "???", "'; DROP TABLE words"),
    *(
        "\u02bb\u02bb\u02bb\\",
        "%\u02bb\u02bb\u02bb",
    ),  # which fold to nothing, though they are letters
    *("{braces}", "ﷺ", "e\u0301mile", "x" * 300, " ".join(f"word{n}" for n in range(25))),
]
HOSTILE = [
    *("j", "jr", "jrr", "j r r", "JRR tolk", "a", "an", "ann", "lee ann", "rien", "o'brien", "zzz"),
    *(
        "村",
        "村上",
        "村上春",
        "上春樹",
        "龍",
        '"',
        'a"b',
        "'",
        "%",
        "100%",
        "_",
        "a_b",
        "\\",
        "back\\",
    ),
    *(
        "c++",
        "c#",
        "++",
        "♥",
        "♥ ny",
        "??",
        "'; drop",
        "{braces}",
        "{}",
        "NULL",
        "ﷺ",
        "émile",
        "x" * 99,
    ),
    *("\u02bb\u02bb\u02bb\\", "%\u02bb\u02bb\u02bb", "_\u02bb\u02bb\u02bb"),
    *(
        " ".join(f"word{n}" for n in range(20)),
        " ".join(f"ord{n}" for n in range(20)),
        "\x00",
        "\ud800",
    ),
]


@both
@pytest.mark.parametrize("typed", HOSTILE)
def test_whatever_is_typed_finds_the_same_on_both_databases(app: Flask, typed: str) -> None:
    db.session.execute(db.insert(Author), [row_of(name) for name in NAMES])
    assert sorted(found(typed)) == sorted(name for name in NAMES if holds(name, typed))
    terms = looked_up(typed, Author)
    for way, conditions in {
        begins_with_each: begins_words(Author, terms),
        has_each: has_whole_words(Author, typed),
    }.items():
        names = db.session.scalars(db.select(Author.name).where(*conditions))
        assert sorted(names) == sorted(name for name in NAMES if way(name, typed))
    titles = dict(zip(NAMES, reversed(NAMES), strict=True))
    ids = dict(db.session.execute(db.select(Author.name, Author.id)).all())
    rows = [
        {"title": title, "sort_key": sort_key(title), "author_id": ids[name]}
        for name, title in titles.items()
    ]
    db.session.execute(db.insert(Book), rows)
    page = [book.author_name for book in books.page_of_books(q=typed).rows]
    together = [
        name
        for name, title in titles.items()
        if hold_together(sort_key(title), sort_key(name), typed)
    ]
    assert sorted(page) == sorted(together)


@both
def test_who_is_renamed_is_found_by_the_new_name_alone(app: Flask) -> None:
    author = create_author(name="Samuel Clemens")
    update_author(author, version=1, name="Mark Twain", sort_name="Twain, Mark", country=None)
    assert (found("twai"), found("clemens")) == (["Mark Twain"], [])


@both
def test_a_part_that_very_many_words_have_is_found_in_all(app: Flask) -> None:
    names = [f"quz{number}x" for number in range(MANY_WORDS + 1)]
    db.session.execute(db.insert(Author), [row_of(name) for name in names])
    assert counting.exactly(queries.found(q="quz")).number == len(names)
    assert counting.exactly(queries.found(q="uz1 QUZ")).number == 111  # 1, 10 to 19, 100 to 199
    assert found("quz77x") == ["quz77x"]


def row_of(name: str) -> dict[str, str]:
    """What an author of that name is kept as."""
    return {"name": name, "sort_name": name, "sort_key": sort_key(name)}


def words_for(text: str, anywhere: bool) -> Sequence[str] | None:
    """What is looked up for a term among the words of authors."""
    [term] = looked_up(text, Author)
    assert isinstance(term, KnownTerm)
    return term.fitting[text, "authors", anywhere]


@on_postgresql
def test_words_are_looked_up_unless_there_are_too_many_to_name(app: Flask) -> None:
    for number in range(MANY_WORDS):
        create_author(name=f"vxy{number}")
    assert len(words_for("vxy", True) or ()) == MANY_WORDS
    create_author(name="Vxyz")
    assert words_for("vxy", True) is words_for("vx", False) is None
    assert (words_for("xyz", True), words_for("xyz", False)) == (["vxyz"], [])


@on_postgresql
def test_a_word_that_comes_after_the_look_up_is_found_by_the_next_one(
    app: Flask, place: Place
) -> None:
    terms = looked_up("atebor", Author)
    ask(place, ADD.format("lateborn"))
    assert queries.best("atebor", terms, 5) == []
    assert found("atebor") == ["x"]


@on_postgresql
def test_two_who_bring_the_same_new_word_do_not_wait_for_each_other(
    app: Flask, place: Place
) -> None:
    one, other = psycopg2.connect(place.migrating), psycopg2.connect(place.migrating)
    with closing(one), closing(other):
        for server in (one, other):
            server.cursor().execute("SET LOCAL lock_timeout = '1s'")
            server.cursor().execute(ADD.format("samenewword twice"))
        one.commit()
        other.commit()
    assert words_for("samenewword", True) == ["samenewword", "samenewword"]
    assert found("samenew twice") == ["x", "x"]


@on_postgresql
def test_a_known_word_is_not_kept_twice(app: Flask, place: Place) -> None:
    for key in ("onceonly onceonly", "onceonly more", "more"):
        ask(place, ADD.format(key))
    assert words_for("onceonly", True) == ["onceonly"]


@on_postgresql
def test_rows_that_come_from_a_dump_bring_their_words(app: Flask, place: Place) -> None:
    with closing(psycopg2.connect(place.migrating)) as server:
        server.cursor().execute("SET search_path = ''")
        server.cursor().execute(ADD.format("outofadump").replace("INTO ", "INTO public."))
        server.commit()
    assert found("ofadum") == ["x"]


@on_postgresql
def test_what_fits_less_is_not_read_where_enough_fits_better(app: Flask) -> None:
    for name in ("Ann", "Bo"):
        create_author(name=name)
    everybody = db.select(Author.id)
    failing = everybody.where(Author.id / (Author.id - Author.id) > 0)
    tiers = ([everybody.where(Author.name == "Bo")], [everybody], [failing])
    shown = db.select(Author.name)
    ranked = partial(ranking.best, shown, Author.sort_key, Author.id, tiers)
    assert [row.name for row in ranked(2)] == ["Bo", "Ann"]
    with pytest.raises(DataError, match="division by zero"):
        ranked(3)


@on_postgresql
@pytest.mark.parametrize("share", [0, 0.01, frequency.VERY_OFTEN])
def test_how_few_rows_are_wanted_is_hidden_unless_any_order_leads_to_some(
    app: Flask, monkeypatch: pytest.MonkeyPatch, share: float
) -> None:
    create_author(name="Ann Lee")
    rows = {(frequency.ALL,): 100_000.0}
    monkeypatch.setattr(
        frequency, "rows_with", lambda _, words: rows.get(tuple(words), share * 100_000)
    )
    asked = {typed: queries.found(q=typed)[0] for typed in ("", "ann", "ann lee")}
    asked["of Norway"] = queries.found(q="ann", country="NO")[0]
    said = {name: str(first_of(found, 50)) for name, found in asked.items()}
    hidden = [name for name in said if "LIMIT (SELECT" in said[name]]
    all_looked_up = [name for name in said if "MATERIALIZED" in said[name]]
    if share < frequency.VERY_OFTEN:
        assert (hidden, all_looked_up) == (["ann"], ["ann lee", "of Norway"])
    else:
        assert hidden == all_looked_up == []


@pytest.mark.parametrize(
    ("shares", "many"),
    [
        ([0.0005], True),
        ([0.0004], False),
        ([0.04, 0.03], True),
        ([0.02, 0.02], False),
        ([0.04, 1], True),
        ([0.05, 0.05], False),  # very often: any order soon leads to some
    ],
)
def test_rows_of_several_words_are_many_if_they_are_by_all_shares(
    shares: list[float], many: bool
) -> None:
    assert Search(Author, [], shares, rows=1_000_000, narrowed=False).many == many


@on_postgresql
def test_the_shares_of_words_are_those_that_the_database_has_noted(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(frequency, "_known", WeakKeyDictionary())
    names = [f"Ann Nth{number % 2}" for number in range(2 * frequency.MANY)]
    db.session.execute(db.insert(Author), [row_of(name) for name in names])
    db.session.execute(db.text("ANALYZE authors"))
    known = {"ann": [1.0], "nth1": [0.5], "nth": [1.0], "nth0 zzz": [0.5, 0.0]}
    for typed, shares in known.items():
        search = search_of(queries.found(q=typed)[0])
        assert search
        assert search.shares == pytest.approx(shares)
        assert search.rows == len(names)


@pytest.fixture
def powerless(postgresql: Server, create_place: Callable[[str], Place]) -> Place:
    """A database whose owner of tables may not create an extension."""
    place = create_place("postgresql")
    url = make_url(place.migrating)
    execute(place.migrating, f"DROP ROLE IF EXISTS {ROLE}")
    execute(place.migrating, f"CREATE ROLE {ROLE} LOGIN PASSWORD 'x'")
    execute(place.migrating, f"GRANT ALL ON SCHEMA public TO {ROLE}")
    limited = url.set(username=ROLE, password="x").render_as_string(hide_password=False)
    return Place("postgresql", limited, limited)


def test_without_the_extension_all_goes_on_and_an_administrator_can_help_later(
    powerless: Place, postgresql: Server
) -> None:
    with powerless.app().app_context():
        upgrade()
        create_author(name="J. R. R. Tolkien")
        db.session.commit()
        assert found("lkie") == ["J. R. R. Tolkien"]
    assert indexes(powerless) == OF_ROWS
    said = run_flask(ROOT, powerless, "doctor")
    assert "reads all words of books, about 8 ms for each 100,000 of them" in said
    do_as_told(said, postgresql.url(str(make_url(powerless.migrating).database)))
    assert indexes(powerless) == OF_ROWS + OF_PARTS
    assert "search         words are looked up in indexes" in run_flask(ROOT, powerless, "doctor")


def test_the_revision_can_run_again_after_it_was_broken_off(
    create_place: Callable[[str], Place],
) -> None:
    place = create_place("postgresql")
    with place.app().app_context():
        upgrade()
        ask(place, ADD.format("once"))
        ask(place, "UPDATE alembic_version SET version_num = '0007'")
        ask(place, "DROP TRIGGER note_words ON books")
        ask(place, "DROP INDEX ix_books_words, ix_authors_places")
        upgrade()
        create_book(title="Boundless", author=create_author(name="Ann Lee").id)
        db.session.commit()
        assert [row.title for row in books.page_of_books(q="oundles").rows] == ["Boundless"]
    assert ask(place, "SELECT word FROM words_of_authors ORDER BY 1") == [
        ("ann",),
        ("lee",),
        ("once",),
    ]
    assert indexes(place) == OF_ROWS + OF_PARTS


def test_an_index_that_is_missing_is_said_with_what_builds_it(
    create_place: Callable[[str], Place],
) -> None:
    place = create_place("postgresql")
    with place.app().app_context():
        upgrade()
    for index in OF_ROWS:
        ask(place, f"DROP INDEX {index}")
    said = run_flask(ROOT, place, "doctor")
    assert "reads all books, about 0.1 s for each million rows" in said
    assert "reads all books for each place, about 5 s for each 100,000 rows" in said
    do_as_told(said, place.migrating)
    assert indexes(place) == OF_ROWS + OF_PARTS
    assert "To look" not in run_flask(ROOT, place, "doctor")


def indexes(place: Place) -> list[str]:
    """Those by which words are looked up."""
    return [name for (name,) in ask(place, INDEXES)]


def do_as_told(said: str, url: str) -> None:
    """Run what the doctor says an administrator may run."""
    for remedy in re.findall(r"To look them up instead: (.*)", said):
        for statement in filter(None, map(str.strip, remedy.split(";"))):
            execute(url, statement.replace("EXTENSION", "EXTENSION IF NOT EXISTS"))
