"""The program as it is served: gunicorn over a database, in a process of its own."""

import contextlib
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from conftest import Place

ROOT = Path(__file__).resolve().parent.parent
PATIENCE = 20  # seconds until gunicorn has to answer


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
