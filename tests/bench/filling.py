"""Databases of a known size, made for one run of the bench."""

import contextlib
import os
import secrets
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import servers

from bench.asking import Asker

ROOT = Path(__file__).resolve().parents[2]
SIZES = {"tiny": 100, "s": 10_000, "m": 100_000, "l": 1_000_000}
BOOKS_EACH = 10
EMAIL, PASSWORD = "bench@example.org", secrets.token_urlsafe(16)
# What a server of 4 GB would have; the rest is as the tests have it.
POSTGRESQL_SETTINGS = {
    "shared_buffers": "1GB",
    "effective_cache_size": "3GB",
    "random_page_cost": "1.1",
    "max_wal_size": "8GB",
}
# What is not on the disk yet, VACUUM does not mark as seen by everybody, and a transaction that
# waits for the disk puts it there: else the walks along an index would look at many rows.
TIDYING = {
    "postgresql": ("SET synchronous_commit = on", "ANALYZE", "VACUUM"),
    "sqlite": ("PRAGMA wal_checkpoint(TRUNCATE)",),
}


@dataclass(frozen=True)
class Shelf:
    """A filled database: where it is, how much is in it, how long it took to fill."""

    kind: str
    size: str
    url: str
    seconds: float

    @property
    def authors(self) -> int:
        """How many authors there are."""
        return SIZES[self.size]

    @property
    def books(self) -> int:
        """How many books there are."""
        return SIZES[self.size] * BOOKS_EACH

    @property
    def environment(self) -> dict[str, str]:
        """The settings of production over this database."""
        return {
            "DATABASE_URL": self.url,
            "DATABASE_URL_UNPOOLED": self.url,
            "BOOKSHELF_ENV": "production",
            "SECRET_KEY": "only-for-the-bench-" * 3,
            "TRUSTED_HOSTS": "127.0.0.1",
        }


@contextlib.contextmanager
def filled(kind: str, sizes: Sequence[str]) -> Iterator[list[Shelf]]:
    """A database of each size, gone after the block."""
    with contextlib.ExitStack() as stack:
        if kind == "sqlite":
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="shelf-"))
            urls = [f"sqlite:///{folder}/{size}.db" for size in sizes]
        else:
            server = stack.enter_context(servers.postgresql(POSTGRESQL_SETTINGS))
            urls = [stack.enter_context(_database(server)) for _ in sizes]
        yield [_fill(kind, size, url) for size, url in zip(sizes, urls, strict=True)]


@contextlib.contextmanager
def _database(server: servers.Server) -> Iterator[str]:
    """An empty database; the server may be one that stays."""
    name, everything = f"bench_{secrets.token_hex(6)}", Asker(server.url("postgres"))
    everything.ask(f"CREATE DATABASE {name}")
    try:
        yield server.url(name)
    finally:
        everything.ask(f"DROP DATABASE {name} WITH (FORCE)")
        everything.close()


def _fill(kind: str, size: str, url: str) -> Shelf:
    shelf = Shelf(kind, size, url, 0)
    flask(shelf, "db", "upgrade")
    began = time.monotonic()
    flask(shelf, "seed", "--force", "--random", str(SIZES[size]))
    seconds = time.monotonic() - began
    flask(shelf, "users", "create", EMAIL, "--role", "editor", "--password-stdin", typed=PASSWORD)
    with contextlib.closing(Asker(url)) as asker:
        for statement in TIDYING[kind]:
            asker.ask(statement)
    return Shelf(kind, size, url, seconds)


def flask(shelf: Shelf, *command: str, typed: str = "") -> None:
    """Run a command of `flask` over a database."""
    subprocess.run(
        [sys.executable, "-m", "flask", *command],
        cwd=ROOT,
        env=os.environ | shelf.environment,
        input=typed,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL if command[0] == "db" else None,
        text=True,
        check=True,
    )
