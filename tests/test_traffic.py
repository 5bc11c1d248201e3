"""The schema changes while people read and write, and nobody notices.

`-s` prints the figures of docs/deploying-schema-changes.md.
"""

import contextlib
import itertools
import statistics
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import NamedTuple

import psycopg2
import pytest
from alembic import command
from conftest import HEAD, Place, after_head, ask, migrating, plant
from house import add_person, cookie_of, form_of
from serving import Crowd, Visitor, served

from bookshelf.core.db import db
from bookshelf.seed import bulk

CLIENTS = 8
AUTHORS, BOOKS = 10_000, 100_000
LOCK_TIMEOUT_S = 1
REPORT_S = 5
PAGES = ["/books/", "/authors/", "/books/?sort=year", "/books/?q=the", "/api/books", "/"]

# One revision for each kind of change that a running release bears.
COLUMN = 'op.add_column("books", sa.Column("pages", sa.Integer()))'
FILLED = """step = "UPDATE books SET pages = length(title) WHERE id BETWEEN :low AND :low + 999"
    for low in range(1, 120_000, 1000):
        with op.get_context().autocommit_block():
            op.execute(sa.text(step).bindparams(low=low))"""
INDEX = 'op.create_index_concurrently("ix_books_pages", "books", ["pages", "id"])'
NO_INDEX = 'op.drop_index_concurrently("ix_books_pages", "books")'
RULE = """op.create_check_constraint(op.f("ck_books_pages"), "books", "pages >= 0",
        postgresql_not_valid=True)"""
NO_RULE = 'op.drop_constraint(op.f("ck_books_pages"), "books", type_="check")'
VALID = 'op.execute("ALTER TABLE books VALIDATE CONSTRAINT ck_books_pages")'
NO_COLUMN = 'op.drop_column("books", "pages")'
KINDS = [
    (COLUMN, NO_COLUMN),
    (FILLED, "pass"),
    (INDEX, NO_INDEX),
    (RULE, NO_RULE),
    (VALID, "pass"),
    (f"{NO_RULE}; {NO_COLUMN}", f"{COLUMN}; {RULE}"),
]


class Answer(NamedTuple):
    """What somebody asked for, when, what they were given, and for how many seconds they waited."""

    asked: str
    begun: float
    status: int
    took: float


class Readers(Crowd):
    """Eight people: six read, one edits authors, one books."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.answers: list[Answer] = []
        works = [self.reads] * (CLIENTS - 2) + [self.edits_authors, self.edits_books]
        super().__init__(*(partial(self.work, work) for work in works))

    def work(self, work: Callable[[Visitor, int], Iterator[tuple[str, str]]]) -> None:
        """Do one thing after another, and note how each went."""
        visitor = Visitor(self.address, cookie_of("editor"))
        for turn in itertools.takewhile(lambda _: not self.done.is_set(), itertools.count(1)):
            for path, changed in work(visitor, turn):
                typed = form_of(visitor.page) | {changed: f"In turn {turn}"} if changed else None
                begun = time.monotonic()
                status = visitor.visit(path, typed)
                self.answers.append(Answer(path, begun, status, time.monotonic() - begun))

    def reads(self, visitor: Visitor, turn: int) -> Iterator[tuple[str, str]]:
        """Open one page after another."""
        yield PAGES[turn % len(PAGES)], ""

    def edits_authors(self, visitor: Visitor, turn: int) -> Iterator[tuple[str, str]]:
        """Open the form of an author, and save it; what is yielded besides is the field changed."""
        yield f"/authors/{turn}/edit", ""
        yield f"/authors/{turn}/edit", "bio"

    def edits_books(self, visitor: Visitor, turn: int) -> Iterator[tuple[str, str]]:
        """Open the form of a book, and save it."""
        yield f"/books/{turn}/edit", ""
        yield f"/books/{turn}/edit", "publisher"


@contextlib.contextmanager
def long_report(place: Place) -> Iterator[None]:
    """Somebody's report holds a lock on books for some seconds."""

    def report() -> None:
        with contextlib.closing(psycopg2.connect(place.migrating)) as reader:
            reader.cursor().execute("SELECT count(*) FROM books")
            reading.set()
            time.sleep(REPORT_S)

    reading = threading.Event()
    thread = threading.Thread(target=report)
    thread.start()
    assert reading.wait(60)
    yield
    thread.join()


@pytest.mark.slow
@pytest.mark.alone
def test_nobody_notices_that_the_schema_changes(
    create_place: Callable[[str], Place], checkout: Path
) -> None:
    place = create_place("pgbouncer")
    for step, (up, down) in enumerate(KINDS, start=1):
        plant(checkout, after_head(step), after_head(step - 1) if step > 1 else HEAD, up, down)
    patience = {"MIGRATION_LOCK_TIMEOUT_MS": LOCK_TIMEOUT_S * 1000, "MIGRATION_LOCK_ATTEMPTS": 20}
    given = ["allow-data-loss=books.pages"]
    with migrating(place, checkout, x_arg=given, **patience) as config:
        command.upgrade(config, HEAD)
        bulk.add_random(authors=AUTHORS, books=BOOKS, seed=1, advance=lambda rows: None)
        db.session.commit()
        add_person("editor")
        with served(place, WEB_CONCURRENCY="2") as address, Readers(address) as crowd:
            time.sleep(3)
            changing = time.monotonic()
            for _ in range(2):
                command.upgrade(config, after_head(len(KINDS)))
                command.downgrade(config, HEAD)
            with long_report(place):
                command.upgrade(config, after_head(len(KINDS)))
            during = [answer for answer in crowd.answers if answer.begun > changing]
    waits = sorted(answer.took for answer in during)
    print(
        f"\n{len(during)} requests, {sum(answer.status != 200 for answer in during)} failed;"
        f" median {statistics.median(waits) * 1000:.0f} ms, 99 % within"
        f" {waits[len(waits) * 99 // 100] * 1000:.0f} ms, longest {waits[-1]:.2f} s"
    )
    assert [answer for answer in during if answer.status != 200] == []
    assert [answer for answer in during if answer.took >= LOCK_TIMEOUT_S + 1] == []
    assert ask(place, "SELECT version_num FROM alembic_version") == [(after_head(len(KINDS)),)]
