"""The line that tells administrators, on every page, that revisions are pending.

Files may come while this process runs, so it looks again: once a minute, not once a request.
"""

from time import monotonic
from typing import NamedTuple

from alembic.util import CommandError
from flask import Flask, current_app, request

from bookshelf.core.db import db
from bookshelf.core.permissions import Permission
from bookshelf.schema import revisions
from bookshelf.web.log import log
from bookshelf.web.security import may

KEPT_S = 60
NOTED = "bookshelf.schema.noted"


class Noted(NamedTuple):
    """How many revisions were pending, and when that was found out (seconds, monotonic)."""

    pending: int
    at: float


def init_app(app: Flask) -> None:
    """Look while administrators are here; to be called once it is known who they are."""
    app.extensions[NOTED] = Noted(0, float("-inf"))
    app.before_request(_look_once_a_minute)
    app.jinja_env.globals.update(pending_revisions=pending_revisions)


def pending_revisions() -> int:
    """How many there were when this worker last looked."""
    noted: Noted = current_app.extensions[NOTED]
    return noted.pending


def _look_once_a_minute() -> None:
    """Before the view rather than in the page, as that of an error must not ask the database."""
    age = monotonic() - current_app.extensions[NOTED].at
    if may(Permission.ADMINISTER) and (age > KEPT_S or request.blueprint == "schema"):
        current_app.extensions[NOTED] = Noted(_count(), monotonic())


def _count() -> int:
    try:
        known = revisions.read_anew()
    except CommandError as error:
        log.warning("revisions unreadable", error=str(error))
        return 0
    return len(revisions.lacking(revisions.heads_of_database(db.session.connection()), known))
