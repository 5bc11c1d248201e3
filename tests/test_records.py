"""Records are written by one statement each, which the version of their row guards."""

import pytest
from flask import Flask
from noting import noting
from sqlalchemy import select

from bookshelf.authors.models import Author
from bookshelf.authors.services import create_author
from bookshelf.core.db import db
from bookshelf.core.problems import Stale
from bookshelf.core.records import add, change


@pytest.fixture
def author(app: Flask) -> Author:
    """An author as a request finds them, who was stored by another."""
    stored = create_author(name="Ann Lee", bio="First.", country="GB").id
    db.session.commit()
    db.session.remove()
    return db.session.get_one(Author, stored)


def wanted(name: str = "Ann Lee", bio: str = "First.", country: str = "GB") -> Author:
    first, last = name.split()
    return Author(name=name, sort_name=f"{last}, {first}", bio=bio, country=country)


def stored(author: Author) -> Author:
    """What the database has."""
    db.session.commit()
    db.session.expire_all()
    return db.session.get_one(Author, author.id)


def test_a_new_record_costs_one_statement_and_belongs_to_the_session(app: Flask) -> None:
    author = wanted()
    with noting() as sent:
        add(author)
        db.session.commit()
        assert (author.version, author.created_at) == (1, author.updated_at)
        assert db.session.get(Author, author.id) is author
    assert [statement.split()[0] for statement, _ in sent] == ["INSERT"]
    assert stored(author).sort_key == author.sort_key == "lee ann"
    assert (stored(author).version, author.created_at) == (1, author.updated_at)
    assert author.books == []


def test_a_change_costs_one_statement_that_names_what_differs(author: Author) -> None:
    before = author.updated_at
    with noting() as sent:
        change(author, wanted(bio="Second."))
        db.session.commit()
    ((statement, _),) = sent
    assert statement.startswith("UPDATE authors SET")
    assert "bio" in statement
    assert "name" not in statement
    assert (author.bio, author.version) == ("Second.", 2)
    found = stored(author)
    assert (found.bio, found.version, found.name, found.country) == ("Second.", 2, "Ann Lee", "GB")
    assert found.updated_at > before


def test_what_follows_from_a_change_is_changed_too(author: Author) -> None:
    change(author, wanted("Zoe Ash"))
    assert author.sort_key == "ash zoe"
    assert stored(author).sort_key == "ash zoe"


def test_a_change_of_nothing_costs_nothing(author: Author) -> None:
    with noting() as sent:
        change(author, wanted())
        db.session.commit()
    assert sent == []
    assert stored(author).version == 1


def test_a_record_may_be_changed_twice(author: Author) -> None:
    change(author, wanted(bio="Second."))
    change(author, wanted(bio="Third."))
    assert (stored(author).bio, author.version) == ("Third.", 3)


@pytest.mark.parametrize(
    "meanwhile", ["UPDATE authors SET version = version + 1", "DELETE FROM authors"]
)
def test_who_comes_too_late_is_told_so_and_changes_nothing(author: Author, meanwhile: str) -> None:
    db.session.commit()  # which keeps what was read
    with db.engine.begin() as connection:
        connection.exec_driver_sql(meanwhile)
    with pytest.raises(Stale):
        change(author, wanted(bio="Mine."))
    db.session.rollback()
    assert "Mine." not in db.session.scalars(select(Author.bio)).all()


def test_the_session_still_writes_records_and_what_follows(author: Author) -> None:
    author.name, author.sort_name = "Zoe Ash", "Ash, Zoe"
    assert (stored(author).sort_key, author.version) == ("ash zoe", 2)
