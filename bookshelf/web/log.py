"""The log: one line per event, with its moment, its request and its actor, and no value typed."""

import logging
import re
import sys
from collections.abc import Iterable, Iterator
from traceback import format_tb
from types import TracebackType
from typing import Any
from uuid import uuid4
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

import structlog
from flask import Flask, has_request_context, request
from flask.logging import wsgi_errors_stream
from structlog.contextvars import bind_contextvars, clear_contextvars, get_contextvars
from structlog.stdlib import BoundLogger, LoggerFactory, ProcessorFormatter
from structlog.typing import EventDict, Processor

NOBODY = "anonymous"
REQUEST_ID = re.compile(r"[A-Za-z0-9-]{8,64}")
ExcInfo = tuple[type[BaseException], BaseException, TracebackType | None]

log: BoundLogger = structlog.get_logger("bookshelf")


def bind_actor(value: str) -> None:
    """Name who acts in every later event of this request."""
    bind_contextvars(actor=value)


def request_id() -> str | None:
    """The number under which the log knows this request, if there is one."""
    return get_contextvars().get("request_id")


class Requests:
    """WSGI middleware which gives each request its number, and forgets it afterwards."""

    def __init__(self, app: WSGIApplication, *, believing: bool) -> None:
        self.app = app
        self.believing = believing

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer as the app does, with the number in X-Request-ID."""
        number = self._number(environ.get("HTTP_X_REQUEST_ID", ""))

        def respond(status: str, headers: list[tuple[str, str]], *error: Any) -> Any:
            return start_response(status, [*headers, ("X-Request-ID", number)], *error)

        clear_contextvars()
        bind_contextvars(request_id=number, actor=NOBODY)
        try:
            return self.app(environ, respond)
        finally:
            clear_contextvars()

    def _number(self, given: str) -> str:
        """The number that a proxy has given, where there is one to believe; else a new one."""
        return given if self.believing and REQUEST_ID.fullmatch(given) else uuid4().hex


def init_app(app: Flask) -> None:
    """Send every event of this process, and those of libraries, to one place in one form."""
    _write_lines(for_people=app.config["BOOKSHELF_ENV"] != "production")
    believing = app.config["PROXY_HOPS"] > 0
    app.wsgi_app = Requests(app.wsgi_app, believing=believing)  # type: ignore[method-assign]
    # Flask's own line would hold the path.
    app.log_exception = _log_fault  # type: ignore[method-assign,assignment]


def _log_fault(exc_info: ExcInfo) -> None:
    log.error("fault", exc_info=exc_info)


def _write_lines(*, for_people: bool) -> None:
    structlog.configure(
        processors=[*EVERY_EVENT, ProcessorFormatter.wrap_for_formatter],
        logger_factory=LoggerFactory(),
        wrapper_class=BoundLogger,
    )
    handler = Lines(wsgi_errors_stream)
    handler.setFormatter(
        ProcessorFormatter(foreign_pre_chain=EVERY_EVENT, processors=_rendering(for_people))
    )
    root = logging.getLogger()
    root.handlers = [*(each for each in root.handlers if not isinstance(each, Lines)), handler]
    logging.getLogger("bookshelf").setLevel(logging.INFO)
    # Below that, the development server writes whole addresses.
    logging.getLogger("werkzeug").setLevel(logging.WARNING)
    logging.captureWarnings(True)


class Lines(logging.StreamHandler[Any]):
    """The handler of this module, which another application in this process replaces."""


def _rendering(for_people: bool) -> list[Processor]:
    last: Processor = structlog.processors.JSONRenderer()
    if for_people:
        last = structlog.dev.ConsoleRenderer(
            colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback
        )
    return [ProcessorFormatter.remove_processors_meta, last]


def _say_where(logger: Any, method: str, event: EventDict) -> EventDict:
    """The view that was asked, rather than an address, which may hold a one-time key."""
    if has_request_context():
        event["method"], event["view"] = request.method, request.endpoint
    return event


def _keep_to_one_line(logger: Any, method: str, event: EventDict) -> EventDict:
    """A library's message cannot pretend to be another event."""
    event["event"] = " ".join(str(event["event"]).split())
    return event


def _in_text(exc_info: ExcInfo) -> str:
    """The traceback, with the first line of each message.

    On the lines below it PostgreSQL quotes the row that it refuses, a password's hash included.
    """
    lines = []
    for error in _causes(exc_info[1]):
        said = str(error).partition("\n")[0]
        lines.append(f"{''.join(format_tb(error.__traceback__))}{type(error).__name__}: {said}")
    return "\nwhich came of\n".join(lines)


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error:
        yield error
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)


EVERY_EVENT: list[Processor] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    structlog.processors.ExceptionRenderer(_in_text),
    _say_where,
    _keep_to_one_line,
]
