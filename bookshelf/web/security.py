"""What every request is held to: whether it may write, and where a session's token is kept."""

from flask import Flask, request
from flask_wtf import CSRFProtect

from bookshelf.core.db import reads_only

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})

csrf = CSRFProtect()


def init_app(app: Flask) -> None:
    """Hold every request to its method.

    The token is checked by the form that carries it rather than before the view, so that a form
    whose session has ended is drawn again as it was filled in. A test posts to every route
    without a token, and sees nothing written.
    """
    app.config["WTF_CSRF_CHECK_DEFAULT"] = False
    csrf.init_app(app)
    app.before_request(_note_whether_it_only_reads)
    app.teardown_request(_forget_whether_it_only_reads)


def _note_whether_it_only_reads() -> None:
    reads_only.set(request.method in SAFE_METHODS)


def _forget_whether_it_only_reads(error: BaseException | None) -> None:
    reads_only.set(False)
