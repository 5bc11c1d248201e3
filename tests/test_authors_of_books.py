"""What a book knows of its author: kept by triggers, whoever writes, and whatever is rebuilt."""

import threading
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import psycopg2
import pytest
from alembic import command
from conftest import HEAD, Place, after_head, ask, migrating, plant
from flask import Flask
from flask_migrate import upgrade
from house import HousekeepingClient as Client
from house import rows_of
from sqlalchemy.exc import IntegrityError

from bookshelf.authors.services import create_author, update_author
from bookshelf.books.services import create_book
from bookshelf.core.db import db

both = pytest.mark.parametrize("place", ["sqlite", "postgresql"], indirect=True)
KNOWN = "SELECT author_key, author_country FROM books ORDER BY id"
RENAME = "UPDATE authors SET sort_key = '{}', country = {} WHERE id = 1"
ADD_AUTHOR = "INSERT INTO authors (name, sort_name, sort_key) VALUES ('Ann', 'Ann', 'ann')"
ADD_BOOK = "INSERT INTO books (title, sort_key, author_id) VALUES ('Emma', 'emma', 1)"


@both
def test_books_are_found_by_what_their_author_has_become(client: Client) -> None:
    author = create_author(name="Samuel Clemens", country="CA")
    create_book(title="Roughing It", author=author.id)
    db.session.commit()
    update_author(author, version=1, name="Mark Twain", country="US")
    db.session.commit()
    assert ask_for(client, "q=twain+rough") == ["Roughing It"]
    assert ask_for(client, "q=clemens") == []
    assert ask_for(client, "country=US") == ["Roughing It"]
    assert ask_for(client, "country=CA") == ask_for(client, "country=none") == []


def ask_for(client: Client, query: str) -> list[str]:
    """The titles of a list."""
    return rows_of(client.get(f"/books/?{query}").text)


@both
def test_books_without_a_country_follow_each_other_over_pages(client: Client) -> None:
    author = create_author(name="Ann Lee").id
    for number in range(60):
        create_book(title=f"Volume {number:02}", author=author)
    first = client.get("/books/?country=none&size=25").text
    assert rows_of(first) == [f"Volume {n:02}" for n in range(25)]
    assert ask_for(client, "country=none&size=25&before=last") == [
        f"Volume {n:02}" for n in range(35, 60)
    ]


@both
@pytest.mark.parametrize("letter", ["x", "村"])
def test_the_longest_title_and_name_fit_together(
    app: Flask, place: Place, client: Client, letter: str
) -> None:
    name = " ".join([letter * 99] * 3)
    author = create_author(name=name, sort_name=name)
    book = create_book(title=letter * 1000, author=author.id)
    short = create_book(title="Short", author=author.id)
    db.session.commit()
    cut, whole = (row[0] for row in ask(place, KNOWN))
    assert whole == author.sort_key
    assert author.sort_key.startswith(cut)
    assert len(cut) == min(len(whole), (2600 - len(book.sort_key.encode())) // 4)
    assert ask_for(client, f"q=short+{letter * 99}") == [short.title]


@pytest.mark.parametrize("place", ["postgresql"], indirect=True)
def test_a_book_that_comes_while_its_author_is_changed_waits_and_knows_the_change(
    app: Flask, place: Place
) -> None:
    ask(place, ADD_AUTHOR.replace("(name", "(id, name").replace("('Ann", "(1, 'Ann"))
    with closing(psycopg2.connect(place.migrating)) as changing:
        changing.cursor().execute(RENAME.format("bo", "'NZ'"))
        adding = threading.Thread(target=ask, args=(place, ADD_BOOK))
        adding.start()
        time.sleep(0.3)
        assert adding.is_alive()
        changing.commit()
        adding.join()
    assert ask(place, KNOWN) == [("bo", "NZ")]


@both
def test_an_author_that_there_is_not_is_still_said_to_be_missing(app: Flask) -> None:
    with pytest.raises(IntegrityError, match=r"(?i)foreign key"):
        db.session.execute(db.text(ADD_BOOK.replace("1)", "4711)")))


@pytest.mark.parametrize("table", ["authors", "books"])
def test_a_table_that_is_rebuilt_goes_on_telling(
    table: str, checkout: Path, create_place: Callable[[str], Place]
) -> None:
    place = create_place("sqlite")
    rebuild = f"""with op.batch_alter_table("{table}", recreate="always") as batch:
        batch.add_column(sa.Column("note", sa.String()))"""
    plant(checkout, after_head(), HEAD, rebuild, rebuild.replace("add_column", "drop_column"))
    with migrating(place, checkout) as config:
        command.upgrade(config, HEAD)
        ask(place, ADD_AUTHOR)
        ask(place, ADD_BOOK)
        command.upgrade(config, "head")
    assert ask(place, KNOWN) == [("ann", None)]
    ask(place, RENAME.format("bo", "'NZ'"))
    ask(place, ADD_BOOK)
    assert ask(place, KNOWN) == [("bo", "NZ"), ("bo", "NZ")]


def test_the_revision_can_run_again_after_it_was_broken_off(
    create_place: Callable[[str], Place],
) -> None:
    place = create_place("postgresql")
    with place.app().app_context():
        upgrade(revision="0008")
        ask(place, ADD_AUTHOR)
        ask(place, ADD_BOOK)
        for statement in (
            "DROP INDEX ix_books_author_country",
            "DROP TRIGGER tell_books ON authors",
            "UPDATE books SET author_key = ''",
            "UPDATE alembic_version SET version_num = '0007'",
        ):
            ask(place, statement)
        upgrade()
    assert ask(place, KNOWN) == [("ann", None)]
    ask(place, RENAME.format("bo", "'NZ'"))
    assert ask(place, KNOWN) == [("bo", "NZ")]
