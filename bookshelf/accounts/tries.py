"""Tries to sign in, counted before a password is looked at, so that parallel ones count too."""

import hmac
import json
import time
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from math import ceil
from typing import Any

from flask import Flask, current_app, request
from limits import RateLimitItemPerSecond
from limits.errors import StorageError
from limits.storage import storage_from_string
from limits.strategies import FixedWindowRateLimiter
from sqlalchemy import Connection, delete, update
from sqlalchemy.dialects import postgresql, sqlite

from bookshelf.accounts import addresses
from bookshelf.accounts.models import SignInTries
from bookshelf.core.db import db, now

MOST = 10
WINDOW_S = 300
FROM_ONE_ADDRESS = RateLimitItemPerSecond(300, WINDOW_S)  # a whole office may sign in from one
COUNTERS = "bookshelf.accounts.tries.counters"

_INSERT: dict[str, Any] = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}


def init_app(app: Flask) -> None:
    """Count by address too: in the store of RATELIMIT_STORAGE_URI, or while it is away, here."""
    stores = (app.config.get("RATELIMIT_STORAGE_URI", "memory://"), "memory://")
    app.extensions[COUNTERS] = [
        FixedWindowRateLimiter(storage_from_string(store, wrap_exceptions=True)) for store in stores
    ]


def count_address() -> int:
    """Count a try from the address of this request; returns how many seconds to wait, or 0."""
    shared, own = current_app.extensions[COUNTERS]
    address = request.remote_addr or ""
    try:
        fits = shared.hit(FROM_ONE_ADDRESS, address)
    except StorageError:
        fits = own.hit(FROM_ONE_ADDRESS, address)
    return 0 if fits else WINDOW_S


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
    row = _INSERT[connection.dialect.name](SignInTries).values(values)
    # One statement: between two, somebody else could delete the row.
    locked = row.on_conflict_do_update(index_elements=["account"], set_={"account": account})
    moments = json.loads(connection.scalar(locked.returning(SignInTries.moments)))
    since = time.time() - WINDOW_S
    return [moment for moment in moments if moment > since]


def _keep(connection: Connection, account: str, moments: list[float]) -> None:
    last = datetime.fromtimestamp(max(moments, default=0), UTC)
    values = {"moments": json.dumps(moments), "last_at": last}
    connection.execute(update(SignInTries).where(SignInTries.account == account).values(values))


def digest(email: str) -> str:
    """The name of an account in this table and in the log, which tells nobody what was typed."""
    address = addresses.normalised(email) or email
    key = str(current_app.secret_key).encode()
    return hmac.new(key, address.encode(errors="replace"), sha256).hexdigest()
