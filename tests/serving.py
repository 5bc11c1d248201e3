"""The program as it is served: gunicorn over a database, and somebody who visits it."""

import contextlib
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from http.cookiejar import Cookie, CookieJar
from pathlib import Path
from typing import Self
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import HTTPCookieProcessor, build_opener

from conftest import Place
from house import form_of

ROOT = Path(__file__).resolve().parent.parent
PATIENCE = 20  # seconds until gunicorn has to answer


class Visitor:
    """Somebody with a browser."""

    def __init__(self, address: str, cookie: str) -> None:
        self.address = address
        self.opener = build_opener(HTTPCookieProcessor(jar := CookieJar()))
        jar.set_cookie(_signed_in(cookie))
        self.page = ""

    def visit(self, path: str, typed: dict[str, str] | None = None) -> int:
        """Open a page, or send a form to it; the status of what comes back in the end."""
        data = urlencode(typed).encode() if typed else None
        try:
            with self.opener.open(self.address + path, data, timeout=PATIENCE) as response:
                self.page = response.read().decode()
                status: int = response.status
                return status
        except HTTPError as error:
            with error:
                self.page = error.read().decode()
                return error.code

    def add_author(self, name: str) -> int:
        """Fill in the form and send it."""
        opened = self.visit("/authors/new")
        if opened != 200:
            return opened
        return self.visit("/authors/new", form_of(self.page) | {"name": name})


class Crowd:
    """Several who each do their work until the block ends, and look at `done` in between."""

    def __init__(self, *works: Callable[[], None]) -> None:
        self.done = threading.Event()
        self.threads = [threading.Thread(target=work) for work in works]

    def __enter__(self) -> Self:
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.done.set()
        for thread in self.threads:
            thread.join(60)


def _signed_in(value: str) -> Cookie:
    """A cookie as a browser keeps it."""
    where: tuple[str, bool, bool, str, bool] = ("127.0.0.1", True, False, "/", True)
    return Cookie(0, "session", value, None, False, *where, False, None, False, None, None, {})


@contextlib.contextmanager
def served(place: Place, **changes: str) -> Iterator[str]:
    """The address at which gunicorn serves a database until the block ends."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    given = {
        "DATABASE_URL": place.serving,
        "DATABASE_URL_UNPOOLED": place.migrating,
        "BOOKSHELF_ENV": "development",
        "SECRET_KEY": "only-for-tests",
        "PORT": str(port),
        "WEB_CONCURRENCY": "1",
    }
    command = [sys.executable, "-m", "gunicorn"]
    with subprocess.Popen(command, cwd=ROOT, env=os.environ | given | changes) as gunicorn:
        try:
            _wait_for(port, gunicorn)
            yield f"http://127.0.0.1:{port}"
        finally:
            gunicorn.terminate()
            assert gunicorn.wait(PATIENCE) == 0


def _wait_for(port: int, gunicorn: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            assert gunicorn.poll() is None, "gunicorn ended"
            assert time.monotonic() < deadline, "gunicorn does not answer"
        time.sleep(0.05)
