"""The addresses of the JSON; each is found with or without a slash at its end."""

from collections.abc import Callable
from typing import Any

from flask import Blueprint, Response, abort, jsonify, request, url_for

from bookshelf.api import schemas
from bookshelf.authors import queries as authors
from bookshelf.books import queries as books
from bookshelf.core.keyset import BadCursor, Page, Position
from bookshelf.core.permissions import Permission
from bookshelf.web.security import requires

api = Blueprint("api", __name__, url_prefix="/api")
readable = requires(Permission.READ, opened_by="PUBLIC_API")


@api.get("/authors", strict_slashes=False)
@readable
def authors_page() -> Response:
    """Authors by name, 50 a page."""
    return _page(authors.page_of_authors, schemas.author)


@api.get("/authors/<id:author_id>", strict_slashes=False)
@readable
def author(author_id: int) -> Response:
    """One author."""
    return jsonify(schemas.author(authors.author(author_id) or _missing("author", author_id)))


@api.get("/authors/<id:author_id>/books", strict_slashes=False)
@readable
def books_of_author(author_id: int) -> Response:
    """The books of an author by title, 50 a page."""
    if authors.author(author_id) is None:
        _missing("author", author_id)
    return _page(books.page_of_books, schemas.book, author_id=author_id)


@api.get("/books", strict_slashes=False)
@readable
def books_page() -> Response:
    """Books by title, 50 a page."""
    return _page(books.page_of_books, schemas.book)


@api.get("/books/<id:book_id>", strict_slashes=False)
@readable
def book(book_id: int) -> Response:
    """One book."""
    return jsonify(schemas.book(books.book_row(book_id) or _missing("book", book_id)))


def _page(
    query: Callable[..., Page], schema: Callable[[Any], schemas.JsonObject], **of: int
) -> Response:
    """The rows that the URL's cursor leads to, with links to the pages before and after."""
    at = Position(after=request.args.get("after"), before=request.args.get("before"))
    try:
        page = query(**of, at=at)
    except BadCursor:
        abort(400, "The cursor in this address was not given out by this list.")
    links = {
        "self": request.full_path.rstrip("?"),
        "previous": page.previous and _url(before=page.previous, **of),
        "next": page.next and _url(after=page.next, **of),
    }
    return jsonify(items=[schema(row) for row in page.rows], links=links)


def _url(**values: Any) -> str:
    return url_for(str(request.endpoint), **values)


def _missing(kind: str, record_id: int) -> Any:
    abort(404, f"There is no {kind} {record_id}.")
