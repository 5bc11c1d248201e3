"""How gunicorn serves, in development as in production: `make run`, or `gunicorn` alone."""

import socket
import sys
from typing import Any

from config import THREADS, Config, ConfigError, environment

try:
    env = environment()
except ConfigError as error:
    sys.exit(f"Bookshelf cannot start: {error}")

wsgi_app = "wsgi:app"
bind = f"127.0.0.1:{env.get('PORT', 8000)}"
worker_class = "gthread"
workers = env.get("WEB_CONCURRENCY", 2)
threads = THREADS
timeout = 60
graceful_timeout = 30
limit_request_line = 8190  # a cursor may hold a long title
control_socket_disable = True
loglevel = "warning"


def on_starting(server: Any) -> None:
    """Refuse in one line what cannot work, before there are workers that would fail at it."""
    try:
        Config.from_env(environment())
    except ConfigError as error:
        sys.exit(f"Bookshelf cannot start: {error}")
    for host, port in (address for address in server.cfg.address if isinstance(address, tuple)):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, port))
            except OSError as error:
                reason = error.strerror or "it cannot be used"
                sys.exit(f"Port {port} is not free ({reason}). Choose another: make run PORT=8001")


def when_ready(server: Any) -> None:
    """Say where to go."""
    for host, port in (address for address in server.cfg.address if isinstance(address, tuple)):
        print(f"Bookshelf is at http://{host}:{port}/ (Ctrl-C stops it)", flush=True)
