"""One handler for what goes wrong: a page for people, problem details (RFC 9457) under /api."""

import sqlite3
from http import HTTPStatus

from flask import Flask, Response, json, render_template, request
from flask.typing import ResponseReturnValue
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from werkzeug.datastructures import MultiDict
from werkzeug.exceptions import (
    HTTPException,
    InternalServerError,
    RequestEntityTooLarge,
    SecurityError,
    ServiceUnavailable,
)

from bookshelf.core.connections import sqlite_code
from bookshelf.core.db import db
from bookshelf.web.log import log, request_id

WORDS = {
    400: "The request could not be understood. Go back and try once more.",
    404: "There is nothing at this address. It may have been deleted, or the address is mistyped.",
    405: "This address cannot be used in this way.",
    413: "What was sent is too large. Go back, shorten it, and send it once more.",
}
AWAY = "The database cannot be reached just now. Nothing was changed; try again in a moment."
BUSY = "Others are saving just now. Nothing was changed; try again in a moment."
DAMAGED = "The database file is damaged, or is no database. Run `flask doctor`."
NO_SUCH_HOST = "Bookshelf is not served under this name."
RETRY_AFTER_S = 5
PROBLEM_JSON = "application/problem+json"
TRY_AGAIN = (OperationalError, InterfaceError, PoolTimeout)
DAMAGES = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
LOCKED = ("40P01", "55P03")  # SQLSTATE of a deadlock, of a lock that was waited for too long


def init_app(app: Flask) -> None:
    """Answer every error in one shape; nothing but that shape reaches a person."""
    app.register_error_handler(HTTPException, answer)
    app.register_error_handler(RequestEntityTooLarge, too_large)
    app.register_error_handler(SecurityError, wrong_host)
    app.register_error_handler(DBAPIError, database_failed)
    app.register_error_handler(PoolTimeout, database_failed)


def answer(error: HTTPException) -> ResponseReturnValue:
    """The page of an HTTP error, or its problem details where a program asked."""
    if isinstance(error, InternalServerError) and not is_for_programs():
        return render_template("errors/500.html", request_id=request_id()), 500
    if error.response is not None or (error.code or 500) < 400:
        return error
    status = HTTPStatus(error.code or 500)
    written = error.description != type(error).description
    detail = error.description if written else WORDS.get(status, error.description)
    headers = [item for item in error.get_headers() if item[0] != "Content-Type"]
    if is_for_programs():
        return _problem(status, detail), status, [*headers, ("Content-Type", PROBLEM_JSON)]
    again = status == 503
    kept = {"again": again, "typed": typed_text() if again else None}
    title = status.phrase.capitalize()
    page = render_template("errors/error.html", title=title, detail=detail, **kept)
    return page, status, headers


def too_large(error: RequestEntityTooLarge) -> ResponseReturnValue:
    """413 for what exceeds one of the limits of app.py."""
    log.warning("too large")
    return answer(error)


def wrong_host(error: SecurityError) -> ResponseReturnValue:
    """400 for a host that is not ours: as a line, because no link can be made for it."""
    log.warning("wrong host")
    if is_for_programs():
        error.description = NO_SUCH_HOST
        return answer(error)
    return Response(NO_SUCH_HOST, error.code, mimetype="text/plain")


def typed_text() -> MultiDict[str, str]:
    """What a form sent, so that another page can carry it; never a password."""
    typed = request.form.items(multi=True) if request.method == "POST" else ()
    return MultiDict([pair for pair in typed if pair[0] and "password" not in pair[0]])


def _problem(status: HTTPStatus, detail: str | None) -> str:
    title = status.phrase
    return json.dumps({"type": "about:blank", "title": title, "status": status, "detail": detail})


def database_failed(error: DBAPIError | PoolTimeout) -> ResponseReturnValue:
    """503 for a database that is unreachable, busy, or out of connections: trying again helps.

    So too for a file on SQLite that nobody can read as a database, with what to do instead.
    """
    db.session.rollback()
    if sqlite_code(error) in DAMAGES:
        log.error("database damaged", error=type(error).__name__)
        return answer(ServiceUnavailable(DAMAGED, retry_after=RETRY_AFTER_S))
    if not isinstance(error, TRY_AGAIN) or _is_wrong_for_sqlite(error):
        raise error
    log.warning("database unavailable", error=type(error).__name__)
    said = BUSY if _is_locked(error) else AWAY
    return answer(ServiceUnavailable(said, retry_after=RETRY_AFTER_S))


def _is_locked(error: Exception) -> bool:
    """Whether others had what a statement needed."""
    is_busy = sqlite_code(error) == sqlite3.SQLITE_BUSY
    return is_busy or getattr(getattr(error, "orig", None), "pgcode", None) in LOCKED


def _is_wrong_for_sqlite(error: Exception) -> bool:
    """SQLite raises one class for a statement that is wrong and for a file that is locked."""
    return sqlite_code(error) == sqlite3.SQLITE_ERROR


def is_for_programs() -> bool:
    """Whether the request is for the JSON."""
    return f"{request.path}/".startswith("/api/")
