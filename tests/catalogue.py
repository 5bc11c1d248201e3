"""An author and a book to save, what their forms call them, and all that the catalogue holds."""

from typing import Any

import pytest
from book_form import HOBBIT
from flask import Flask

from bookshelf.authors.models import Author
from bookshelf.authors.services import create_author
from bookshelf.books.models import Book
from bookshelf.books.services import create_book
from bookshelf.core.db import db


@pytest.fixture(name="author")
def an_author(app: Flask) -> Author:
    """An author with a biography and a country."""
    return create_author(name="Ann Lee", bio="First.", country="GB")


@pytest.fixture(name="book")
def a_book(author: Author) -> Book:
    """A book by that author, with an ISBN."""
    return create_book(title="A book", author=author.id, isbn=HOBBIT)


def everything() -> list[tuple[Any, ...]]:
    """All that the catalogue holds."""
    db.session.commit()
    columns = (*Author.__table__.columns, *Book.__table__.columns)
    return [tuple(row) for row in db.session.execute(db.select(*columns).outerjoin(Author.books))]


def mine(kind: str, name: str = "Mine") -> dict[str, str]:
    """What a record of that kind is called."""
    return {"title" if kind == "books" else "name": name}


def authored(kind: str, author: str) -> dict[str, str]:
    """Who wrote it, if it is a book."""
    return {"author": author} if kind == "books" else {}
