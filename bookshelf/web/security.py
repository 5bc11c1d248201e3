"""The door: closed, unless a view says what a person needs to open it."""

from collections.abc import Callable
from typing import Any, NoReturn, Protocol, TypeVar

from flask import Flask, abort, current_app, g, request
from flask.typing import ResponseReturnValue
from flask_wtf import CSRFProtect
from werkzeug.datastructures import WWWAuthenticate
from werkzeug.exceptions import Unauthorized

from bookshelf.core.connections import reads_only
from bookshelf.core.db import db
from bookshelf.core.permissions import Permission, allows
from bookshelf.web.errors import is_for_programs
from bookshelf.web.log import bind_actor, log
from bookshelf.web.stateless import is_static

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
DOOR = "bookshelf.web.security.door"

csrf = CSRFProtect()

View = TypeVar("View", bound=Callable[..., Any])


class Person(Protocol):
    """Who is signed in."""

    @property
    def id(self) -> Any: ...

    @property
    def role(self) -> Any: ...


class Door(Protocol):
    """What knows the people; `accounts` brings it."""

    def load(self) -> Person | None:
        """Who sent this request, None for a stranger."""

    def ask(self) -> ResponseReturnValue | None:
        """Ask a stranger who they are; None once they have said it with this very request."""


def init_app(app: Flask, door: Door) -> None:
    """Hold every request to its method, and to what its view asks of a person.

    The token is checked by the form that carries it rather than before the view, so that a form
    whose session has ended is drawn again as it was filled in. A test posts to every route
    without a token, and sees nothing written.
    """
    app.config["WTF_CSRF_CHECK_DEFAULT"] = False
    csrf.init_app(app)
    app.extensions[DOOR] = door
    app.before_request(_refuse_other_sites)
    app.before_request(_admit)
    app.jinja_env.globals.update(may=may)


def note_method(app: Flask) -> None:
    """Note whether a request only reads, before anything else is done with it."""
    app.before_request(_note_whether_it_only_reads)
    app.teardown_request(_forget_whether_it_only_reads)


def public(view: View) -> View:
    """Mark a view that is open to strangers."""
    return _mark(view, None)


def requires(permission: Permission, *, opened_by: str | None = None) -> Callable[[View], View]:
    """Mark a view with the permission that it needs; a setting may open it to strangers."""

    return lambda view: _mark(view, permission, opened_by)


def _mark(view: View, needs: Permission | None, opened_by: str | None = None) -> View:
    view.needs, view.opened_by = needs, opened_by  # type: ignore[attr-defined]
    return view


def may(permission: str) -> bool:
    """Whether the person of this request has a permission, for pages to draw what can be used."""
    person = g.get("person")
    return person is not None and allows(person.role, Permission(permission))


def _note_whether_it_only_reads() -> None:
    reads_only.set(request.method in SAFE_METHODS)


def _forget_whether_it_only_reads(error: BaseException | None) -> None:
    reads_only.set(False)


def _refuse_other_sites() -> None:
    """A browser says where a request began; forms of other sites have no business here."""
    began = request.headers.get("Sec-Fetch-Site", "none")
    if request.method not in SAFE_METHODS and began not in ("same-origin", "none"):
        _forbid("This was sent by another site. Nothing was changed.")


def _admit() -> ResponseReturnValue | None:
    """Let in who may; a view that says nothing stays closed to everybody."""
    if is_static():
        return None
    view: Any = current_app.view_functions.get(request.endpoint or "")
    if view is None:  # there is no such page, which is then said in the person's own layout
        _note_person(current_app.extensions[DOOR])
        return None
    if not hasattr(view, "needs"):
        _forbid("Nobody has said who may come here.")
    if view.needs is None or current_app.config.get(view.opened_by or ""):
        return None
    if (answer := _identify()) is not None:
        return answer
    if not may(view.needs):
        _forbid("You may look around here, but not do this. An administrator can change that.")
    return None


def _forbid(words: str) -> NoReturn:
    log.warning("forbidden")
    abort(403, words)


def _identify() -> ResponseReturnValue | None:
    """Note who sent this request; what a stranger is answered, if they do not say who they are."""
    door: Door = current_app.extensions[DOOR]
    if _note_person(door):
        return None
    db.session.rollback()  # the question may take a while
    if is_for_programs():
        raise Unauthorized("Sign in first.", www_authenticate=WWWAuthenticate("cookie"))
    if (answer := door.ask()) is not None:
        return answer
    _note_person(door)
    return None


def _note_person(door: Door) -> Person | None:
    g.person = person = door.load()
    if person is not None:
        bind_actor(str(person.id))
    return person
