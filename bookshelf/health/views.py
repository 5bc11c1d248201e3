"""The two addresses that a supervisor and a load balancer ask."""

from flask import Blueprint, Response

from bookshelf.health import readiness
from bookshelf.web.log import log
from bookshelf.web.security import public
from bookshelf.web.stateless import stateless

health = Blueprint("health", __name__)


@health.get("/livez")
@public
@stateless
def livez() -> Response:
    """Whether this process answers at all; one that does not should be started again."""
    return _said("ok", 200)


@health.get("/readyz")
@public
@stateless
def readyz() -> Response:
    """Whether requests can be served; while they cannot, they should go elsewhere."""
    if readiness.is_ready():
        return _said("ready", 200)
    log.warning("not ready")
    return _said("not ready", 503)


def _said(words: str, status: int) -> Response:
    return Response(words, status, mimetype="text/plain")
