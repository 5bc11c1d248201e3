"""gunicorn as in production, over the application or over the limit."""

import contextlib
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from http.client import HTTPConnection
from pathlib import Path
from typing import NamedTuple

from bench.filling import ROOT

PATIENCE = 30  # seconds until gunicorn has to answer
WORKERS = "2"


class Served(NamedTuple):
    """Where something is served, by which processes, and how long it took to begin."""

    port: int
    pids: list[int]
    began_in: float

    def memory(self) -> float:
        """What the largest of its processes holds, in MB."""
        return max(_resident(pid) for pid in self.pids)


@contextlib.contextmanager
def served(
    environment: Mapping[str, str],
    application: str = "wsgi:app",
    python: str | Path = sys.executable,
    folder: Path = ROOT,
) -> Iterator[Served]:
    """Serve until the block ends, as the gunicorn.conf.py of the folder says."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    given = {"PORT": str(port), "WEB_CONCURRENCY": WORKERS, "PYTHONPATH": f"{ROOT}/tests"}
    given |= {"MALLOC_ARENA_MAX": "2"}  # as `make run` has it
    command = [python, "-m", "gunicorn", application]
    began = time.monotonic()
    with subprocess.Popen(
        command,
        cwd=folder,
        env=os.environ | given | dict(environment),
        stdout=subprocess.DEVNULL,
    ) as gunicorn:
        try:
            _wait_for(port, gunicorn)
            seconds = time.monotonic() - began
            yield Served(port, _children(gunicorn.pid), seconds)
        finally:
            gunicorn.terminate()
            gunicorn.wait(PATIENCE)


def _wait_for(port: int, gunicorn: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + PATIENCE
    while True:
        connection = HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
        with contextlib.suppress(OSError), contextlib.closing(connection):
            connection.request("GET", "/livez")
            if connection.getresponse().status == 200:
                return
        assert gunicorn.poll() is None, "gunicorn ended"
        assert time.monotonic() < deadline, "gunicorn does not answer"
        time.sleep(0.01)


def _children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def _resident(pid: int) -> float:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    resident = next(line for line in lines if line.startswith("VmRSS:"))
    return int(resident.split()[1]) / 1024
