"""The pages of books."""

from typing import Any

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from bookshelf.authors import countries
from bookshelf.authors import queries as authors
from bookshelf.books import isbn, languages, queries, services
from bookshelf.books.forms import BookForm, offered_authors
from bookshelf.books.models import Book
from bookshelf.core.db import db
from bookshelf.core.permissions import Permission
from bookshelf.web import pickers
from bookshelf.web.filters import ByCode, ByRecord, ByYears, Without
from bookshelf.web.forms import BaseForm, Candidate
from bookshelf.web.lists import Listing
from bookshelf.web.log import log
from bookshelf.web.rendering import shortened
from bookshelf.web.security import may, requires
from bookshelf.web.urls import parse_id, typed

books = Blueprint("books", __name__, url_prefix="/books")
books.add_app_template_filter(languages.name_of, "language_name")
books.add_app_template_filter(isbn.hyphenate, "hyphenated")

FILTERS = (
    ByRecord("author", authors.author_row, authors.fitting, authors.books_of_row),
    ByCode("country", countries.find, countries.is_called, none="Author without a country"),
    ByCode("language", languages.find, languages.is_called, counted_by="language"),
    ByYears(counted_by="year"),
    Without("isbn", "No ISBN", counted_by="isbn"),
)


@books.get("/")
@requires(Permission.READ)
def index() -> ResponseReturnValue:
    """The list: found by title, narrowed by author, language, years and more, in any order."""
    listing = Listing(queries.SORTS, FILTERS)
    listing.fetch(queries.found, queries.page_of_books, queries.total)
    return render_template("books/index.html", listing=listing)


@books.get("/authors")
@requires(Permission.READ)
def author_options() -> ResponseReturnValue:
    """The authors that a picker offers, and to add one, where the URL says `adding`."""
    q = typed("q")
    adding = "adding" in request.args and may(Permission.WRITE)
    return pickers.offer(offered_authors(q, pickers.MOST, adding=adding), q, "author")


@books.get("/languages")
@requires(Permission.READ)
def language_options() -> ResponseReturnValue:
    """The languages that a picker offers."""
    q = typed("q")
    found = languages.offer(q)[: pickers.MOST]
    options = [Candidate(language.code, language.name, language.code) for language in found]
    return pickers.offer(options, q, "language")


@books.get("/<id:book_id>")
@requires(Permission.READ)
def show(book_id: int) -> ResponseReturnValue:
    """A book."""
    return render_template("books/show.html", book=_book(book_id))


@books.route("/new", methods=["GET", "POST"])
@requires(Permission.WRITE)
def new() -> ResponseReturnValue:
    """Add a book; the URL may say by whom, from which publisher and in which language."""
    form = BookForm(data=_kept())
    if form.validate_on_submit():
        with form.showing_problems():
            book = services.create_book(**form.values)
            db.session.commit()
            flash(f"“{shortened(book.title)}” was added.")
            return redirect(_after_adding(book))
    return render_template("books/new.html", form=form), form.status


@books.route("/<id:book_id>/edit", methods=["GET", "POST"])
@requires(Permission.WRITE)
def edit(book_id: int) -> ResponseReturnValue:
    """Change a book; what was typed for one that was deleted meanwhile may be added anew."""
    book = queries.book(book_id)
    if book is None and request.method != "POST":
        abort(404)
    form = BookForm(obj=book)
    if book and form.validate_on_submit():
        with form.showing_problems():
            services.update_book(book, version=form.drawn_from, **form.values)
            db.session.commit()
            flash(f"“{shortened(book.title)}” was saved.")
            return redirect(url_for(".show", book_id=book_id))
        book = queries.book(book_id)  # as it now stands, if it is there at all
    if book is None:
        return render_template("books/new.html", form=form, deleted=True), 410
    theirs = form.conflict_with(book)
    return render_template("books/edit.html", form=form, book=book, theirs=theirs), form.status


@books.route("/<id:book_id>/delete", methods=["GET", "POST"])
@requires(Permission.WRITE)
def delete(book_id: int) -> ResponseReturnValue:
    """Ask, then delete."""
    book, form = _book(book_id), BaseForm()
    if form.validate_on_submit():
        with form.showing_problems():
            services.delete_book(book)
            db.session.commit()
            log.info("book deleted", id=book_id)
            flash(f"“{shortened(book.title)}” was deleted.")
            return redirect(url_for(".index"))
        book = _book(book_id)  # which may be gone by now
    back = url_for(".show", book_id=book_id)
    return render_template("delete.html", form=form, name=book.title, back=back), form.status


def _book(book_id: int) -> Book:
    return queries.book(book_id) or abort(404)


def _kept() -> dict[str, object]:
    """What the form is drawn with: what the URL carries over from the book before."""
    author_id, language = parse_id(request.args.get("author_id")), request.args.get("language")
    return {
        "author": authors.author(author_id) if author_id else None,
        "publisher": request.args.get("publisher"),
        "language": language if language and languages.is_code(language) else None,
    }


def _after_adding(book: Book) -> str:
    if "another" not in request.form:
        return url_for(".show", book_id=book.id)
    kept: dict[str, Any] = {
        "author_id": book.author_id,
        "publisher": book.publisher,
        "language": book.language,
    }
    return url_for(".new", **{name: value for name, value in kept.items() if value})
