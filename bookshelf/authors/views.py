"""The pages of authors."""

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from bookshelf.authors import countries, queries, services
from bookshelf.authors.forms import AuthorForm
from bookshelf.authors.models import Author
from bookshelf.core.db import db
from bookshelf.core.permissions import Permission
from bookshelf.web import pickers
from bookshelf.web.filters import ByCode
from bookshelf.web.forms import BaseForm, Candidate
from bookshelf.web.lists import Listing
from bookshelf.web.log import log
from bookshelf.web.rendering import shortened
from bookshelf.web.security import requires
from bookshelf.web.urls import typed

authors = Blueprint("authors", __name__, url_prefix="/authors")
authors.add_app_template_filter(countries.name_of, "country_name")

FILTERS = (
    ByCode("country", countries.find, countries.is_called, none="No country", counted_by="country"),
)


@authors.get("/")
@requires(Permission.READ)
def index() -> ResponseReturnValue:
    """The list: found by name, of one country or of none, in any order."""
    listing = Listing(queries.SORTS, FILTERS)
    listing.fetch(queries.found, queries.page_of_authors, queries.total)
    most = queries.MOST_BOOKS
    return render_template("authors/index.html", listing=listing, most_books=most)


@authors.get("/countries")
@requires(Permission.READ)
def country_options() -> ResponseReturnValue:
    """The countries that a picker offers."""
    q = typed("q")
    found = countries.offer(q)[: pickers.MOST]
    options = [Candidate(country.code, country.name, country.code) for country in found]
    return pickers.offer(options, q, "country")


@authors.get("/<id:author_id>")
@requires(Permission.READ)
def show(author_id: int) -> ResponseReturnValue:
    """An author with the first of their books."""
    return render_template("authors/show.html", **_books(_author(author_id)))


@authors.route("/new", methods=["GET", "POST"])
@requires(Permission.WRITE)
def new() -> ResponseReturnValue:
    """Add an author."""
    form = AuthorForm()
    if form.validate_on_submit():
        with form.showing_problems():
            author = services.create_author(**form.values)
            db.session.commit()
            flash(f"{shortened(author.name)} was added.")
            return redirect(_after_adding(author))
    return render_template("authors/new.html", form=form), form.status


@authors.route("/<id:author_id>/edit", methods=["GET", "POST"])
@requires(Permission.WRITE)
def edit(author_id: int) -> ResponseReturnValue:
    """Change an author; what was typed for one who was deleted meanwhile may be added anew."""
    author = queries.author(author_id)
    if author is None and request.method != "POST":
        abort(404)
    form = AuthorForm(obj=author)
    if author and form.validate_on_submit():
        with form.showing_problems():
            services.update_author(author, version=form.drawn_from, **form.values)
            db.session.commit()
            flash(f"{shortened(author.name)} was saved.")
            return redirect(url_for(".show", author_id=author_id))
        author = queries.author(author_id)  # as it now stands, if it is there at all
    if author is None:
        return render_template("authors/new.html", form=form, deleted=True), 410
    theirs = form.conflict_with(author)
    page = render_template("authors/edit.html", form=form, author=author, theirs=theirs)
    return page, form.status


@authors.route("/<id:author_id>/delete", methods=["GET", "POST"])
@requires(Permission.WRITE)
def delete(author_id: int) -> ResponseReturnValue:
    """Ask, then delete; an author who has books stays."""
    author, form = _author(author_id), BaseForm()
    if form.validate_on_submit():
        with form.showing_problems():
            services.delete_author(author)
            db.session.commit()
            log.info("author deleted", id=author_id)
            flash(f"{shortened(author.name)} was deleted.")
            return redirect(url_for(".index"))
        author = _author(author_id)  # which may be gone by now
    back = url_for(".show", author_id=author_id)
    page = render_template("delete.html", form=form, name=author.name, back=back, **_books(author))
    return page, form.status


def _author(author_id: int) -> Author:
    return queries.author(author_id) or abort(404)


def _books(author: Author) -> dict[str, object]:
    """An author, the first of their books, and how many there are."""
    books, count = queries.books_of(author)
    return {"author": author, "books": books, "count": count}


def _after_adding(author: Author) -> str:
    if "another" in request.form:
        return url_for(".new")
    return url_for(".show", author_id=author.id)
