"""What people see while the code is ahead of the database: how far, and what to run.

Each worker looks once, before its first page, and again when a statement fails for a table or a
column that is not there; while all is well no page costs a query more.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import click
from flask import Flask, current_app, request
from flask.typing import ResponseReturnValue
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError, OperationalError, ProgrammingError
from werkzeug.exceptions import ServiceUnavailable

from bookshelf.core.db import db
from bookshelf.schema import direct, revisions
from bookshelf.web import errors
from bookshelf.web.log import log
from bookshelf.web.stateless import is_stateless

UNDEFINED = ("42703", "42P01")  # SQLSTATE of an undefined column, an undefined table
UNDEFINED_ON_SQLITE = ("no such column", "no such table", "has no column named")
FOR_ADMINISTRATORS = "Administrators see what is pending at /schema."
SETTLED = "bookshelf.schema.settled"

View = TypeVar("View", bound=Callable[..., object])


def init_app(app: Flask) -> None:
    """Look before the first page, and when a statement fails."""
    app.extensions[SETTLED] = False
    app.before_request(_look_until_settled)
    app.register_error_handler(ProgrammingError, _explain)
    app.register_error_handler(OperationalError, _explain)


def bears_an_old_database(view: View) -> View:
    """Mark a view that works while revisions are pending, as far as people can be known."""
    view.bears_an_old_database = True  # type: ignore[attr-defined]
    return view


def _look_until_settled() -> None:
    if not current_app.extensions[SETTLED] and not (is_stateless() or _is_borne()):
        _look()


def _is_borne() -> bool:
    view: Any = current_app.view_functions.get(request.endpoint or "")
    return getattr(view, "bears_an_old_database", False)


def _look() -> None:
    """Raise ServiceUnavailable where the database lacks a revision."""
    with db.engine.connect() as connection:
        behind = revisions.is_behind(connection)
        current_app.extensions[SETTLED] = not behind
        if behind:
            log.warning("database behind")
            said = f"{_message(connection)} {FOR_ADMINISTRATORS}"
            raise ServiceUnavailable(said, retry_after=errors.RETRY_AFTER_S)


@contextmanager
def saying_what_fails() -> Iterator[None]:
    """End a command with one line where the database is behind, or away."""
    try:
        yield
    except DBAPIError as error:
        db.session.rollback()
        if _names_what_is_missing(error):
            with db.engine.connect() as connection:
                raise click.ClickException(_message(connection)) from error
        raise click.ClickException(direct.in_one_line(error)) from error


def _message(connection: Connection) -> str:
    here = revisions.in_words(revisions.heads_of_database(connection))
    needed = revisions.in_words(revisions.heads_of_code())
    return f"The database is at {here}, the code needs {needed}: run `flask db upgrade`."


def _explain(error: DBAPIError) -> ResponseReturnValue:
    """503 while the database is behind or away; anything else is a fault of ours, so 500."""
    if not _names_what_is_missing(error):
        return errors.database_failed(error)
    db.session.rollback()
    try:
        _look()
    except ServiceUnavailable as behind:
        return errors.answer(behind)
    raise error


def _names_what_is_missing(error: DBAPIError) -> bool:
    if code := getattr(error.orig, "pgcode", None):
        return code in UNDEFINED
    return any(words in str(error.orig) for words in UNDEFINED_ON_SQLITE)
