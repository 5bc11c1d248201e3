"""Tries to sign in, counted before a password is looked at, so that parallel ones count too."""

import hashlib
import json
import time
from datetime import UTC, datetime, timedelta
from math import ceil
from typing import Any

from flask import Flask, current_app
from flask_limiter import Limiter, RateLimitExceeded
from flask_limiter.util import get_remote_address
from sqlalchemy import Connection, delete, select, update
from sqlalchemy.dialects import postgresql, sqlite
from werkzeug.exceptions import TooManyRequests

from bookshelf.accounts.models import SignInTries
from bookshelf.core.db import db, now

MOST = 10
WINDOW_S = 300
FROM_ONE_ADDRESS = f"300 per {WINDOW_S} seconds"  # a whole office may sign in from one
COUNT = "bookshelf.accounts.tries.count"

_INSERT: dict[str, Any] = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}


def init_app(app: Flask) -> None:
    """Count by address too: per process, unless RATELIMIT_STORAGE_URI names a store."""
    app.config.setdefault("RATELIMIT_STORAGE_URI", "memory://")
    limiter = Limiter(get_remote_address, app=app)
    app.extensions[COUNT] = limiter.limit(FROM_ONE_ADDRESS)(_nothing)


def count_address() -> None:
    """Count a try from the address of this request; raises TooManyRequests (429)."""
    try:
        current_app.extensions[COUNT]()
    except RateLimitExceeded:
        message = "Too many tries to sign in came from your address. Wait a few minutes."
        raise TooManyRequests(message, retry_after=WINDOW_S) from None


def _nothing() -> None:
    """What the library counts the calls of."""


def take(email: str) -> tuple[float, int]:
    """Count a try for an account in a transaction of its own, which ends the session's.

    Returns its moment, with which `give_back` undoes it, and 0; or, where MOST tries of the last
    WINDOW_S seconds have not succeeded, how many seconds to wait. Such a try is not counted.
    """
    db.session.rollback()
    with db.engine.begin() as connection:
        recent = _recent(connection, account := digest(email))
        if len(recent) >= MOST:
            return 0, max(1, ceil(recent[-MOST] + WINDOW_S - time.time()))
        moment = time.time()
        _keep(connection, account, [*recent, moment])
    return moment, 0


def give_back(email: str, moment: float) -> None:
    """Take a try that succeeded from the count; tries of long ago are forgotten for everybody."""
    with db.engine.begin() as connection:
        recent = _recent(connection, account := digest(email))
        _keep(connection, account, [other for other in recent if other != moment])
        long_ago = now() - timedelta(seconds=WINDOW_S)
        connection.execute(delete(SignInTries).where(SignInTries.last_at < long_ago))


def _recent(connection: Connection, account: str) -> list[float]:
    """The moments that still count; the row stays locked until the transaction ends."""
    values = {"account": account, "moments": "[]", "last_at": now()}
    row = _INSERT[connection.dialect.name](SignInTries).values(values).on_conflict_do_nothing()
    connection.execute(row)
    locked = select(SignInTries.moments).where(SignInTries.account == account).with_for_update()
    since = time.time() - WINDOW_S
    return [moment for moment in json.loads(connection.scalar(locked) or "[]") if moment > since]


def _keep(connection: Connection, account: str, moments: list[float]) -> None:
    last = datetime.fromtimestamp(max(moments, default=0), UTC)
    values = {"moments": json.dumps(moments), "last_at": last}
    connection.execute(update(SignInTries).where(SignInTries.account == account).values(values))


def digest(email: str) -> str:
    """The name of an account in this table and in the log, which tells nobody what was typed."""
    return hashlib.sha256(email.casefold().encode()).hexdigest()
