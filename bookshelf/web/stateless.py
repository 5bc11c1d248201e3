"""Which answers carry no session: static files, which everybody shares, and what machines ask.

The others carry it on: it ends when nobody has used it for a time.
"""

import time
from collections.abc import Callable
from functools import cache
from typing import TypeVar

from flask import Flask, Response, current_app, request
from flask.sessions import SecureCookieSessionInterface, SessionMixin

STATIC = {"static", "bootstrap.static"}  # by name: a view may be called so as well
PROLONGED_EVERY_S = 300
PROLONGED = "prolonged"  # in seconds since 1970

View = TypeVar("View", bound=Callable[..., object])


class Sessions(SecureCookieSessionInterface):
    """Signed cookies, as Flask has them, except where an answer carries no session."""

    def __init__(self) -> None:
        # It is made of nothing but the app's keys, and each request needs it once or twice.
        self.get_signing_serializer = cache(  # type: ignore[method-assign]
            super().get_signing_serializer
        )

    def save_session(self, app: Flask, session: SessionMixin, response: Response) -> None:
        """Set no cookie, and vary with none, where the answer is the same for everybody."""
        if not is_stateless():
            _prolong(session)
            super().save_session(app, session, response)


def init_app(app: Flask) -> None:
    """Keep sessions off the answers that need none."""
    app.config["SESSION_REFRESH_EACH_REQUEST"] = False
    app.session_interface = Sessions()


def _prolong(session: SessionMixin) -> None:
    """Sign a session anew that is used, so that it ends when it has been idle.

    Once in some minutes is enough, and spares the other answers the work and the cookie.
    """
    if session.permanent and time.time() - session.get(PROLONGED, 0) > PROLONGED_EVERY_S:
        session[PROLONGED] = time.time()


def stateless(view: View) -> View:
    """Mark a view that asks for no session, and that the guard of the schema lets through."""
    view.is_stateless = True  # type: ignore[attr-defined]
    return view


def is_stateless() -> bool:
    """Whether the request is for a static file or for a view that is marked."""
    view = current_app.view_functions.get(request.endpoint or "")
    return is_static() or getattr(view, "is_stateless", False)


def is_static() -> bool:
    """Whether the request is for a static file, of ours or of an extension."""
    return request.endpoint in STATIC
