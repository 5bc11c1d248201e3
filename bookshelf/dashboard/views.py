"""The start page: how much there is, what came last, and what to do first."""

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue

from bookshelf.authors import queries as authors
from bookshelf.books import queries as books
from bookshelf.core.permissions import Permission
from bookshelf.web.security import requires

LATEST = 8

dashboard = Blueprint("dashboard", __name__)


@dashboard.get("/")
@requires(Permission.READ)
def index() -> ResponseReturnValue:
    """Totals and the latest additions."""
    return render_template(
        "dashboard/index.html",
        authors_total=authors.total(),
        books_total=books.total(),
        latest_authors=authors.latest(LATEST),
        latest_books=books.latest(LATEST),
    )
