"""Every revision is proven on rows, both ways, on both databases; none goes without a proof."""

import re
from collections.abc import Callable
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from alembic.script import ScriptDirectory
from conftest import HEAD, ROOT, plant
from shelves import (
    DERIVED,
    LONG_NAME,
    LONG_TITLE,
    MOMENT,
    Row,
    Rows,
    Shelf,
    empty_shelf,  # noqa: F401  # the fixture `shelf`
    only_columns_of,
    populated,
)
from sqlalchemy import text

from bookshelf.core import text as text_module


def one_of_each(author: Row, book: Row) -> Rows:
    """An author with a book, added after the others."""
    shared = {"author_id": 1}
    return {"authors": [{"name": "New", **author}], "books": [{"title": "New", **shared, **book}]}


class Proof(NamedTuple):
    """Rows from before a revision, rows that need it, and what it must have made of the former."""

    before: Rows
    after: Rows
    holds: Callable[[Shelf], None]
    rewrites: str | None = None  # the column whose values it is there to change


def begins_empty(shelf: Shelf) -> None:
    assert shelf.rows() == {"authors": [], "books": []}


def knows_no_country(shelf: Shelf) -> None:
    assert {row["country"] for row in shelf.rows()["authors"]} == {None}


def fills_in_the_catalogue(shelf: Shelf) -> None:
    found = shelf.rows()
    for rows in found.values():
        assert all(row["updated_at"] == row["created_at"] for row in rows)
        assert {row["version"] for row in rows} == {1}
        assert all(0 < len(row["sort_key"].encode()) <= 2500 for row in rows)
    sorted_as = {row["name"]: (row["sort_name"], row["sort_key"]) for row in found["authors"]}
    keys = {row["title"]: row["sort_key"] for row in found["books"]}
    assert sorted_as["Chimamanda Ngozi Adichie"] == (
        "Adichie, Chimamanda Ngozi",
        "adichie chimamanda ngozi",
    )
    assert sorted_as["Gabriel García Márquez"][1] == "marquez gabriel garcia"
    assert sorted_as["村上春樹"] == ("村上春樹", "村上春樹")
    assert sorted_as[LONG_NAME] == (LONG_NAME, "o" * 100)
    assert sorted_as["Writer 1001"] == ("1001, Writer", "1001 writer")
    assert keys["The Two Towers"] == "two towers the"
    assert keys["A Game of Thrones"] == "game of thrones a"
    assert keys[LONG_TITLE] == "e" * 200
    assert keys["???"] == "???"
    assert keys["Volume 1001"] == "volume 1001"
    for column in ("isbn", "year", "publisher", "language"):
        assert {row[column] for row in found["books"]} == {None}


ROUGH = "ħıŧŋĸƀɓɖɗɛɠǥɨƙɲɔʉʋƴƶə"  # as 0003 left these letters in keys, one after the other
UNFOLDED = [("Hikmet, Nazım", "hikmet nazım"), ("Kaʻahumanu", "kaʻahumanu"), ("ʻʻ", "ʻʻ")]


def at_0003(*keys: tuple[str, str]) -> Rows:
    """An author and a book for each of these texts with its key."""
    authors: list[Row] = [{"name": t, "sort_name": t, "sort_key": key} for t, key in keys]
    books: list[Row] = [{"title": t, "author_id": 1, "sort_key": key} for t, key in keys]
    return {"authors": authors, "books": books}


def folds_more_letters(shelf: Shelf) -> None:
    expected = ["hikmet nazim", "ka ahumanu", "ʻʻ", text_module.fold(ROUGH), "tolkien j r r"]
    for rows in shelf.rows().values():
        assert [row["sort_key"] for row in rows[:5]] == expected


ANN: Row = {"email": "ann@b.org", "sort_key": "ann", "role": "editor", "fs_uniquifier": "epoch"}


def knows_nobody(shelf: Shelf) -> None:
    rows = shelf.rows()
    assert rows["users"] == rows["sign_in_tries"] == []


def has_an_index_for_each_order(shelf: Shelf) -> None:
    tables: Any = shelf.schema()
    indexes = {name: columns for table in tables.values() for name, columns, _ in table["indexes"]}
    assert indexes["ix_books_year"] == ["year", "sort_key", "id"]
    assert indexes["ix_books_publisher"] == ["publisher", "id"]
    assert indexes["ix_books_isbn"] == ["isbn", "sort_key", "id"]
    assert indexes["ix_users_role"] == ["role", "sort_key", "id"]


def knows_the_author_of_each_book(shelf: Shelf) -> None:
    [book] = shelf.rows()["books"][-1:]
    assert (book["author_key"], book["author_country"]) == ("ann", "NZ")
    rename = "UPDATE authors SET sort_key = 'ann lee', country = NULL WHERE id = :id"
    shelf.do(rename, {"id": book["author_id"]})
    assert follows(shelf, book["id"]) == ("ann lee", None)
    [other] = shelf.rows()["authors"][-1:]
    move = "UPDATE books SET author_id = :author WHERE id = :id"
    shelf.do(move, {"id": book["id"], "author": other["id"]})
    assert follows(shelf, book["id"]) == (other["sort_key"], other["country"])
    shelf.do(move, {"id": book["id"], "author": book["author_id"]})
    shelf.do(rename.replace("ann lee", "ann").replace("NULL", "'NZ'"), {"id": book["author_id"]})


def follows(shelf: Shelf, book_id: int) -> tuple[str, str | None]:
    """What a book knows of its author."""
    [row] = [row for row in shelf.rows()["books"] if row["id"] == book_id]
    return row["author_key"], row["author_country"]


def has_on_postgresql(ending: str, *expected: str) -> Callable[[Shelf], None]:
    """What checks that the indexes with this ending are those expected, and none on SQLite."""

    def holds(shelf: Shelf) -> None:
        tables: Any = shelf.schema()
        names = {name for table in tables.values() for name, _, _ in table["indexes"]}
        found = {name for name in names if name.endswith(ending)}
        assert found == (set(expected) if shelf.place.kind == "postgresql" else set())

    return holds


def has_the_words_of_keys_on_postgresql(shelf: Shelf) -> None:
    tables: Any = shelf.schema()
    if shelf.place.kind == "sqlite":
        assert not DERIVED & tables.keys()
        return
    names = {name for table in tables.values() for name, _, _ in table["indexes"]}
    assert {name for name in names if re.search("words|trgm", name)} == {
        *("ix_authors_words", "ix_books_words"),
        *("ix_words_of_authors_word", "ix_words_of_books_word"),
        *("ix_words_of_authors_word_trgm", "ix_words_of_books_word_trgm"),
    }
    with shelf.engine.connect() as connection:
        for table in ("authors", "books"):
            words = {word for row in shelf.rows()[table] for word in row["sort_key"].split()}
            known = connection.scalars(text(f"SELECT word FROM words_of_{table}"))
            assert sorted(known) == sorted(words)
        targets = "SELECT attname FROM pg_attribute WHERE attstattarget = 400 ORDER BY attname"
        columns = connection.scalars(text(targets)).all()
        assert [name for name in columns if name.endswith("key")] == [
            *("author_key", "sort_key", "sort_key")
        ]


TRIGRAMS = has_on_postgresql("_trgm", "ix_authors_sort_key_trgm", "ix_books_sort_key_trgm")
PLACES = has_on_postgresql("_places", "ix_authors_places", "ix_books_places")


def has_books_in_the_order_of_authors(shelf: Shelf) -> None:
    tables: Any = shelf.schema()
    indexes = {name: columns for name, columns, _ in tables["books"]["indexes"]}
    assert indexes["ix_books_author_key"] == ["author_key", "author_id", "sort_key", "id"]
    assert ("ix_books_author_places" in indexes) == (shelf.place.kind == "postgresql")


A_SHELF: Rows = {
    **at_0003(("Ann", "ann"), ("Bo", "bo")),
    "users": [ANN, {**ANN, "email": "bo@b.org", "fs_uniquifier": "e"}],
    "sign_in_tries": [{"account": name, "moments": "[]", "last_at": MOMENT} for name in ("a", "b")],
}
SOME_KEYS: Rows = {
    **A_SHELF,
    **at_0003(
        *(("x", key) for key in ("two towers the", "towers", "c++", "???", "村上 春樹")),
        ("soon deleted", "deleted"),
    ),
}
FROM_NEW_ZEALAND: Rows = {
    **A_SHELF,
    "authors": [{**row, "country": "NZ"} for row in A_SHELF["authors"]],
}
MORE_OF_ALL: Rows = {
    **at_0003(("New", "new")),
    "users": [{**ANN, "email": "new@b.org", "fs_uniquifier": "new"}],
    "sign_in_tries": [{"account": "new", "moments": "[]", "last_at": MOMENT}],
}


PROOFS: dict[str, Proof] = {
    "0001": Proof({}, populated(), begins_empty),
    "0002": Proof(populated(), one_of_each({"country": "SUHH"}, {}), knows_no_country),
    "0003": Proof(
        populated(country="NG"),
        one_of_each(
            {"sort_name": "New", "sort_key": "new", "version": 7},
            {"sort_key": "new", "isbn": "9780261102361", "year": -700, "language": "eng"},
        ),
        fills_in_the_catalogue,
    ),
    "0004": Proof(
        at_0003(*UNFOLDED, (ROUGH, ROUGH), ("Tolkien, J. R. R.", "tolkien j r r"), ("x", "x")),
        at_0003(("New", "new")),
        folds_more_letters,
        rewrites="sort_key",
    ),
    "0005": Proof(
        at_0003(("Ann", "ann"), ("Bo", "bo")),
        {
            "users": [{**ANN, "email": "a@b.org"}, {**ANN, "fs_uniquifier": "e"}],
            "sign_in_tries": [
                {"account": name, "moments": "[]", "last_at": MOMENT} for name in ("a", "b")
            ],
            **at_0003(("New", "new")),
        },
        knows_nobody,
    ),
    "0006": Proof(A_SHELF, MORE_OF_ALL, has_an_index_for_each_order),
    "0007": Proof(A_SHELF, MORE_OF_ALL, TRIGRAMS),
    "0008": Proof(FROM_NEW_ZEALAND, MORE_OF_ALL, knows_the_author_of_each_book),
    "0009": Proof(SOME_KEYS, MORE_OF_ALL, has_the_words_of_keys_on_postgresql),
    "0010": Proof(SOME_KEYS, MORE_OF_ALL, PLACES),
    "0011": Proof(SOME_KEYS, MORE_OF_ALL, has_books_in_the_order_of_authors),
}


@pytest.mark.filterwarnings("ignore:Skipped unsupported reflection of expression-based index")
@pytest.mark.parametrize("revision", PROOFS)
def test_a_revision_keeps_every_row_both_ways(revision: str, shelf: Shelf) -> None:
    proof, below = PROOFS[revision], parent(shelf.script, revision)
    shelf.upgrade(below)
    shelf.add(proof.before)
    shelf.add_triggers()
    shelf.delete_newest()
    before, ids, schema = shelf.rows(), shelf.highest_ids(), shelf.schema()
    for row in chain.from_iterable(before.values()):
        row.pop(proof.rewrites or "", None)

    shelf.upgrade(revision)
    assert only_columns_of(before, shelf.rows()) == before
    assert shelf.highest_ids() | ids == shelf.highest_ids()
    proof.holds(shelf)
    grown = shelf.schema()

    shelf.add(proof.after)
    after, used = shelf.rows(), shelf.highest_ids()
    for table, highest in ids.items():
        assert after[table][-1]["id"] == (highest or 0) + 1, "an id was used twice"
    shelf.delete_newest()
    kept = {table: rows[:-1] for table, rows in after.items()}

    shelf.downgrade(below)
    assert only_columns_of(before, shelf.rows()) == only_columns_of(before, kept)
    assert shelf.rows().keys() == before.keys()
    assert shelf.schema() == schema
    assert shelf.highest_ids() == {table: used[table] for table in before}

    shelf.upgrade(revision)
    assert only_columns_of(before, shelf.rows()) == only_columns_of(before, kept)
    assert shelf.schema() == grown
    proof.holds(shelf)


def parent(script: ScriptDirectory, revision: str) -> str:
    """The revision below, or "base"."""
    below = script.get_revision(revision).down_revision
    assert below is None or isinstance(below, str), "a merge needs a proof of its own kind"
    return below or "base"


def unproven(script: ScriptDirectory) -> set[str]:
    """The revisions without a proof."""
    return {revision.revision for revision in script.walk_revisions()} - PROOFS.keys()


def test_every_revision_has_a_proof() -> None:
    script = ScriptDirectory(str(ROOT / "migrations"))
    assert unproven(script) == set()
    assert len(PROOFS) == len(list(script.walk_revisions()))


def test_a_revision_without_a_proof_is_found(checkout: Path) -> None:
    plant(checkout, "0099", HEAD, "pass")
    assert unproven(ScriptDirectory(str(checkout / "migrations"))) == {"0099"}
