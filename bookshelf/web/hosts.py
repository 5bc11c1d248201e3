"""For whom a request is and where it comes from: proxies are believed, visitors are not."""

from flask import Flask, request
from werkzeug.exceptions import SecurityError
from werkzeug.middleware.proxy_fix import ProxyFix


def init_app(app: Flask) -> None:
    """Believe as many proxies as PROXY_HOPS says, and refuse a host that is not TRUSTED_HOSTS'."""
    if hops := app.config["PROXY_HOPS"]:
        app.wsgi_app = ProxyFix(  # type: ignore[method-assign]
            app.wsgi_app, x_for=hops, x_proto=hops, x_host=hops
        )
    app.before_request(_refuse_a_forged_host)


def _refuse_a_forged_host() -> None:
    """Before anything else looks at the request, such as at the database."""
    if isinstance(request.routing_exception, SecurityError):
        raise request.routing_exception
