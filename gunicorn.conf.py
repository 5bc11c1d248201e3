"""How gunicorn serves, in development as in production: `make run`, or `gunicorn` alone."""

import os
import socket
import sys
from collections.abc import Iterable
from hashlib import sha256
from typing import Any

from config import THREADS, Config, ConfigError, environment

try:
    env = environment()
except ConfigError as error:
    sys.exit(f"Bookshelf cannot start: {error}")

# `make run` makes a key for the first administrator; the workers get to know its digest alone.
welcome_key = os.environ.pop("WELCOME_KEY", "")
if welcome_key:
    os.environ["BOOKSHELF_WELCOME"] = sha256(welcome_key.encode()).hexdigest()

wsgi_app = "wsgi:app"
port = env.get("PORT", "8000")
bind = f"127.0.0.1:{port}"
worker_class = "gthread"
workers = env.get("WEB_CONCURRENCY", 2)
threads = THREADS
timeout = 60
graceful_timeout = 30
limit_request_line = 8190  # a cursor may hold a long title
forwarded_allow_ips = ""  # bookshelf/web/hosts.py alone believes proxies, and counts them
control_socket_disable = True
loglevel = "warning"


def on_starting(server: Any) -> None:
    """Refuse what cannot work before there are workers, which would fail at it again and again."""
    refuse_what_cannot_work(server.cfg.address)


def when_ready(server: Any) -> None:
    """Say where to go."""
    for host, number in _ports(server.cfg.address):
        address = f"http://{host}:{number}"
        print(f"Bookshelf is at {address}/ (Ctrl-C stops it)", flush=True)
        if welcome_key:
            print(f"Become its administrator: {address}/welcome/{welcome_key}", flush=True)


def post_worker_init(worker: Any) -> None:
    """Let people wait at the door rather than at the first page."""
    if worker.app.app_uri == wsgi_app:  # not what else is served so, as the benchmark's limit
        from bookshelf.app import warm_up  # which only workers need

        warm_up(worker.wsgi)


def refuse_what_cannot_work(addresses: Iterable[Any]) -> None:
    """End with one line for a wrong setting, or for a port that is taken."""
    try:
        Config.from_env(environment())
    except ConfigError as error:
        sys.exit(f"Bookshelf cannot start: {error}")
    for host, number in _ports(addresses):
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        try:
            socket.create_server((host, number), family=family).close()
        except OSError as error:
            reason = os.strerror(error.errno) if error.errno else "it cannot be used"
            sys.exit(f"Port {number}: {reason}. Choose another: make run PORT=8001")


def _ports(addresses: Iterable[Any]) -> list[tuple[str, int]]:
    """The addresses of the network; gunicorn can listen at files as well."""
    return [address for address in addresses if isinstance(address, tuple)]


if __name__ == "__main__":  # `make run` asks before it touches the database
    refuse_what_cannot_work([("127.0.0.1", int(port) if port.isdecimal() else 0)])
