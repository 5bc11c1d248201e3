"""The page that is found in every header: what fits of authors and of books."""

from flask import Blueprint, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from bookshelf.authors import queries as authors
from bookshelf.authors.models import Author
from bookshelf.books import queries as books
from bookshelf.books.isbn import isbn_of
from bookshelf.books.models import Book
from bookshelf.core.matching import found_at_beginnings
from bookshelf.core.permissions import Permission
from bookshelf.core.vocabulary import looked_up
from bookshelf.web.security import requires
from bookshelf.web.urls import typed

search = Blueprint("search", __name__)

MOST = 10  # of each; where there may be more, a link leads to all


@search.get("/search")
@requires(Permission.READ)
def index() -> ResponseReturnValue:
    """Authors and books, the best first; an ISBN leads to its book at once."""
    q = typed("q")
    number = isbn_of(q)
    if number and (book := books.book_of_isbn(number)):
        return redirect(url_for("books.show", book_id=book.id))
    terms = looked_up(q, Author, Book)
    return render_template(
        "search/index.html",
        q=q,
        authors=authors.best(q, terms, MOST),
        books=books.best(q, terms, MOST),
        most=MOST,
        short=found_at_beginnings(q),
        books_of=authors.books_of_row,
    )
