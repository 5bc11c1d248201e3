"""The headers of every response, which tell a browser what it must not do with it."""

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


def init_app(app: Flask) -> None:
    """Set the headers before anything else touches a response; app.py calls this last."""
    app.after_request(_set_headers)


def _set_headers(response: Response) -> Response:
    response.headers.update(HEADERS)
    if current_app.config["BOOKSHELF_ENV"] == "production":
        response.headers.update(HTTPS_ONLY)
    # In debug mode files are edited under an address that does not change.
    keep = is_static() and response.status_code in FOUND and not current_app.debug
    response.headers["Cache-Control"] = FOR_GOOD if keep else "no-store"
    return response
