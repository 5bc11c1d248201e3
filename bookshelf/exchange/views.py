"""What a list shows, on all its pages, as a file."""

from typing import Any

from flask import Blueprint, Response, abort
from werkzeug.http import dump_options_header

from bookshelf.authors import queries as author_queries
from bookshelf.authors.models import Author
from bookshelf.authors.views import FILTERS as AUTHOR_FILTERS
from bookshelf.books import queries as book_queries
from bookshelf.books.models import Book
from bookshelf.books.views import FILTERS as BOOK_FILTERS
from bookshelf.core import keyset
from bookshelf.core.db import AnySelect, db, now
from bookshelf.core.permissions import Permission
from bookshelf.exchange.cells import defused, moment
from bookshelf.exchange.export import file_of
from bookshelf.web.lists import Listing
from bookshelf.web.log import log
from bookshelf.web.security import requires

exchange = Blueprint("exchange", __name__)

# Codes, digits and years are no text that anybody types: they stand as they are, -700 a number.
AUTHORS = (
    defused(Author.name).label("name"),
    defused(Author.sort_name).label("sort_name"),
    Author.country,
    defused(Author.bio).label("bio"),
    moment(Author.created_at).label("added"),
)
BOOKS = (
    defused(Book.title).label("title"),
    defused(Author.name).label("author"),
    defused(Author.sort_name).label("author_sort_name"),
    Book.isbn,
    Book.year,
    defused(Book.publisher).label("publisher"),
    Book.language,
    moment(Book.created_at).label("added"),
)


@exchange.get("/authors/export.csv")
@requires(Permission.READ)
def authors() -> Response:
    """The authors of a list, in its order."""
    listing = Listing(author_queries.SORTS, AUTHOR_FILTERS)
    found = keyset.merged(author_queries.found(**listing.asked), Author.id)
    return _file("authors", listing, _with(found, AUTHORS))


@exchange.get("/books/export.csv")
@requires(Permission.READ)
def books() -> Response:
    """The books of a list, in its order."""
    listing = Listing(book_queries.SORTS, BOOK_FILTERS)
    found = keyset.merged(book_queries.found(**listing.asked), Book.id)
    return _file("books", listing, _with(found.join(Book.author), BOOKS))


def _with(found: AnySelect, columns: tuple[Any, ...]) -> AnySelect:
    return found.with_only_columns(*columns, maintain_column_froms=True)


def _file(name: str, listing: Listing, found: AnySelect) -> Response:
    """The answer, which is sent while the database still reads.

    What a list would ignore with a notice is refused: a file has no room for notices.
    """
    if listing.notices:
        abort(400, " ".join(listing.notices))
    keys = listing.sorts[listing.sort]
    ordered = keyset.in_order(found, keys, descending=listing.descending)
    db.session.rollback()  # so that no more than one connection is held
    parts = file_of(db.engine, ordered)
    log.info("exported", list=name)
    response = Response(parts, mimetype="text/csv")
    response.call_on_close(parts.close)  # also where only the head was asked for
    response.headers["Content-Disposition"] = dump_options_header(
        "attachment", {"filename": f"{name}-{now():%Y-%m-%d}.csv"}
    )
    return response
