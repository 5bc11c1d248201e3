"""The headers of every response, which tell a browser what it must not do with it."""

from collections.abc import Iterable, Mapping
from typing import Any
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from flask import Flask, Response, current_app

from bookshelf.web.stateless import is_static

# Bootstrap's style sheet draws its controls with images in data: URLs.
POLICY = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self' data:",
    "font-src": "'self'",
    "connect-src": "'self'",
    "form-action": "'self'",
    "base-uri": "'none'",
    "object-src": "'none'",
    "frame-ancestors": "'none'",
}
HEADERS = {
    "Content-Security-Policy": "; ".join(f"{name} {value}" for name, value in POLICY.items()),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}
# Without includeSubDomains: what else is served below the same name is not ours to decide.
HTTPS_ONLY = {"Strict-Transport-Security": "max-age=63072000"}
FOR_GOOD = "public, max-age=31536000, immutable"
FOUND = (200, 206, 304)


class Fixed:
    """WSGI middleware which adds headers to every response; far cheaper here than one by one."""

    def __init__(self, app: WSGIApplication, headers: Mapping[str, str]) -> None:
        self.app = app
        self.headers = list(headers.items())

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer as the app does, with the headers."""

        def respond(status: str, headers: list[tuple[str, str]], *error: Any) -> Any:
            return start_response(status, headers + self.headers, *error)

        return self.app(environ, respond)


def init_app(app: Flask) -> None:
    """Send the headers with every response, and say how long each may be kept."""
    in_production = app.config["BOOKSHELF_ENV"] == "production"
    fixed = HEADERS | HTTPS_ONLY if in_production else HEADERS
    app.wsgi_app = Fixed(app.wsgi_app, fixed)  # type: ignore[method-assign]
    app.after_request(_say_how_long_to_keep)


def _say_how_long_to_keep(response: Response) -> Response:
    # In debug mode files are edited under an address that does not change.
    keep = is_static() and response.status_code in FOUND and not current_app.debug
    response.headers["Cache-Control"] = FOR_GOOD if keep else "no-store"
    return response
