"""Flask-Admin and SQLAdmin over the same shelf as Bookshelf, on equal terms.

Their people are signed in too, with one statement for each request, and forms have a token where
they offer one. Only those pages are asked for on which the size of the shelf plays no part for
them either; on lists they are far behind, as the column of the best peer shows.
"""

import contextlib
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from itertools import count, repeat
from typing import NamedTuple

from bench.driving import Asked, Sent, Visitor
from bench.filling import ROOT, Shelf
from bench.lines import Line
from bench.serving import served

FOLDER = ROOT / "tests/bench/peers"
OWN = ROOT / ".tools/peers"
TOKEN = re.compile(r'name="csrf_token"[^>]*value="([^"]+)"')
RECORDS = 90  # neither Bookshelf's clients nor the limit's write to the authors from here on


class Peer(NamedTuple):
    """An admin that is compared: how gunicorn serves it, and its addresses of our lines."""

    name: str
    application: str
    worker_class: str
    paths: Mapping[str, str]


PEERS = (
    Peer(
        "Flask-Admin",
        "of_flask_admin:app",
        "gthread",
        {
            "Create an author": "/authors/new/",
            "Edit an author": f"/authors/edit/?id={RECORDS}",
            "Add-book form": "/books/new/",
            "Picker of authors, three letters": "/books/ajax/lookup/?name=author&query=",
        },
    ),
    Peer(
        "SQLAdmin",
        "of_sqladmin:app",
        "uvicorn_worker.UvicornWorker",
        {
            "Create an author": "/author/create",
            "Edit an author": f"/author/edit/{RECORDS + 1}",
            "Add-book form": "/book/create",
            "Picker of authors, three letters": "/book/ajax/lookup?name=author&term=",
        },
    ),
)


def install() -> None:
    """Bring the peers, in an environment of their own, unless they are there."""
    if not OWN.exists():
        subprocess.run([sys.executable, "-m", "venv", OWN], check=True)
    wanted, quietly = FOLDER / "requirements.txt", ["--quiet", "--disable-pip-version-check"]
    subprocess.run([OWN / "bin/pip", "install", *quietly, "-r", wanted], check=True)


@contextlib.contextmanager
def visited(shelf: Shelf, wanted: bool) -> Iterator[list[Visitor]]:
    """Somebody who is signed in to each of the peers, where they are wanted."""
    with contextlib.ExitStack() as stack:
        yield [stack.enter_context(_visited(shelf, peer)) for peer in PEERS if wanted]


@contextlib.contextmanager
def _visited(shelf: Shelf, peer: Peer) -> Iterator[Visitor]:
    url = shelf.url.replace("postgresql:", "postgresql+psycopg2:")
    environment = {**shelf.environment, "DATABASE_URL": url, "WORKER_CLASS": peer.worker_class}
    at_home = served(environment, peer.application, OWN / "bin/python", FOLDER)
    with at_home as there, Visitor(there.port) as visitor:
        entering = Sent("/login", {"username": "any", "password": "any"})
        assert visitor.ask(entering).status == 302, f"{peer.name} lets nobody in"
        yield visitor


def asked(line: Line, visitors: Sequence[Visitor]) -> list[Asked]:
    """What each of the peers is asked for a line, if it is one of theirs, by who is given."""
    return [
        Asked(visitor, _sending(peer.paths[line.name], line, visitor))
        for peer, visitor in zip(PEERS, visitors, strict=False)
        if line.name in peer.paths
    ]


def _sending(path: str, line: Line, visitor: Visitor) -> Iterator[Sent]:
    """What is sent to a peer's address of a line, without an end."""
    if line.saves:
        return _saving(path, TOKEN.search(visitor.page(path)))
    return repeat(Sent(path + line.path.partition("?q=")[2]))


def _saving(path: str, token: re.Match[str] | None) -> Iterator[Sent]:
    fixed = {"csrf_token": token[1]} if token else {}
    for turn in count():
        name = {"name": f"Ann Lee {turn}", "sort_name": f"Lee {turn}, Ann"}
        yield Sent(path, fixed | name | {"sort_key": f"lee {turn} ann", "bio": f"Turn {turn}."})
