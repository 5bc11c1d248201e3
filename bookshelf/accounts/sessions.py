"""Sessions: how a person is known from one request to the next, and how a stranger is asked."""

import hmac
import time
from datetime import timedelta
from hashlib import sha256
from typing import Any

import flask_login
from flask import Flask, current_app, g, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_security import Security, SQLAlchemyUserDatastore, login_user, logout_user
from flask_security.recoverable import generate_reset_password_token, reset_password_token_status
from werkzeug.datastructures import ImmutableMultiDict

from bookshelf.accounts import queries
from bookshelf.accounts.forms import SignInForm
from bookshelf.accounts.models import User
from bookshelf.accounts.passwords import HASHING, nobodys
from bookshelf.core.db import AnyRow, db
from bookshelf.web.errors import typed_text
from bookshelf.web.log import bind_actor, log
from bookshelf.web.security import SAFE_METHODS

PREFIX = "sign_in-"
# Of Flask-Security we use what needs no page: the pages, and their forms, are those of the house.
SETTINGS: dict[str, Any] = HASHING | {
    "SECURITY_API_ENABLED_METHODS": ["session"],
    "SECURITY_CLI_ROLES_NAME": None,
    "SECURITY_CLI_USERS_NAME": None,
    "SECURITY_DEFAULT_REMEMBER_ME": False,
    "SECURITY_RESET_PASSWORD_WITHIN": timedelta(days=7),
    "SECURITY_SEND_PASSWORD_RESET_NOTICE_EMAIL": False,
    "SESSION_PROTECTION": None,
}


class Door:
    """What `web.security` asks of the accounts."""

    def load(self) -> AnyRow | None:
        """Who sent this request: the person of its session.

        A session also ends some time after it began, however busy it was.
        """
        age = time.time() - session.get("fs_paa", 0)
        if age > current_app.config["SESSION_MAX_AGE"].total_seconds():
            return None
        return queries.signed_in_with(session.get("_user_id", ""))

    def ask(self) -> ResponseReturnValue | None:
        """Ask a stranger to sign in; with what was typed into a form, on the spot.

        Signed in, they go on with the form, which is drawn again as they filled it in: its token
        is that of the session that has ended.
        """
        if request.method in SAFE_METHODS:
            return redirect(url_for("accounts.sign_in", next=request.full_path.rstrip("?")))
        form, typed = SignInForm(prefix=PREFIX), _typed_elsewhere()
        if PREFIX + "email" in request.form and form.validate():
            enter(form.somebody)
            request.form = typed
            return None
        page = render_template("accounts/again.html", form=form, typed=typed)
        return page, form.status if form.errors else 401, form.headers


DOOR = Door()


def init_app(app: Flask) -> None:
    """Know people by their sessions."""
    app.config.from_mapping(SETTINGS, SECURITY_PASSWORD_SALT=_derived(app, "password salt"))
    datastore = SQLAlchemyUserDatastore(db, User, None)  # type: ignore[arg-type]
    library = Security(app, datastore, register_blueprint=False)
    # These would load the person once more, for every request and every page.
    app.before_request_funcs[None].remove(library.principal._on_before_request)
    app.after_request_funcs[None].remove(library.login_manager._update_remember_cookie)
    app.template_context_processors[None].remove(flask_login.utils._user_context_processor)
    with app.app_context():
        nobodys()  # so that the first stranger waits no longer than others


def enter(user: User) -> None:
    """Begin a new session, in which nothing of the one before is left."""
    session.clear()
    g.pop("csrf_token", None)
    session.permanent = True  # until it has been idle for PERMANENT_SESSION_LIFETIME
    login_user(user, authn_via=["password"])
    bind_actor(str(user.id))
    log.info("signed in")


def leave() -> None:
    """End the session in this browser."""
    logout_user()
    session.clear()
    g.pop("csrf_token", None)


def link_for(user: User, site: str) -> str:
    """The address where a person chooses a password; it works once, until their sessions end."""
    token = generate_reset_password_token(user)  # type: ignore[no-untyped-call]
    path = current_app.url_map.bind("").build("accounts.invitation", {"token": token})
    return site.rstrip("/") + path


def invited_by(token: str) -> User | None:
    """Whom a link is for; nobody where it was used, has been replaced, or is too old."""
    expired, invalid, user = reset_password_token_status(token)  # type: ignore[no-untyped-call]
    return user if user and user.active and not expired and not invalid else None


def welcomes(key: str) -> bool:
    """Whether this is the key that `make run` made for the first administrator."""
    expected = current_app.config.get("WELCOME_KEY") or ""
    given = sha256(key.encode(errors="replace")).hexdigest()
    return hmac.compare_digest(given, expected) and queries.nobody_yet()


def destination(target: str | None) -> str:
    """Where to go after signing in: a path of this site, or else the start page."""
    start = url_for("dashboard.index")
    if not target or not target.startswith("/") or not target.isprintable():
        return start
    if "\\" in target or " " in target or target.startswith("//"):
        return start  # browsers read these as the beginning of another host
    return target


def _derived(app: Flask, purpose: str) -> str:
    """A secret for one purpose, which SECRET_KEY alone gives, as in HKDF (RFC 5869)."""
    return hmac.new(str(app.secret_key).encode(), purpose.encode(), sha256).hexdigest()


def _typed_elsewhere() -> ImmutableMultiDict[str, str]:
    """What the request brings along beside who sent it."""
    typed = typed_text().items(multi=True)
    return ImmutableMultiDict([pair for pair in typed if not pair[0].startswith(PREFIX)])
