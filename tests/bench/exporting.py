"""How long a file of all books takes beside the quickest that the database can write."""

import csv
import os
import time
from typing import NamedTuple

from bench.asking import Asker
from bench.driving import Sent, Visitor
from bench.filling import Shelf
from bench.serving import Served

COLUMNS = "b.title, a.name, a.sort_name, b.isbn, b.year, b.publisher, b.language, b.created_at"
ALL = f"SELECT {COLUMNS} FROM books b JOIN authors a ON a.id = b.author_id"
AT_ONCE = 64 * 1024


class Exported(NamedTuple):
    """Seconds to the first byte and to the last, size in MB, and what a worker held in MB."""

    first: float
    seconds: float
    bare: float
    size: float
    held_before: float
    held_at_most: float


def exported(shelf: Shelf, ours: Served, visitor: Visitor) -> Exported:
    """Ask for the file of all books, and have the database alone write the same columns."""
    held_before = held = ours.memory()
    began = time.perf_counter()
    response = visitor.begin(Sent("/books/export.csv"))
    size, first = len(response.read(1)), time.perf_counter() - began
    looked = began
    while part := response.read(AT_ONCE):
        size += len(part)
        if time.perf_counter() - looked > 0.1:
            held, looked = max(held, ours.memory()), time.perf_counter()
    seconds = time.perf_counter() - began
    return Exported(first, seconds, bare(shelf), size / 1e6, held_before, held)


def bare(shelf: Shelf) -> float:
    """How many seconds COPY takes; on SQLite, reading the rows and writing them as CSV."""
    asker = Asker(shelf.url)
    began = time.perf_counter()
    if asker.is_sqlite:
        with open(os.devnull, "w", encoding="utf-8", newline="") as text:
            csv.writer(text).writerows(asker.connection.execute(ALL))
    else:
        with open(os.devnull, "wb") as file, asker.connection.cursor() as cursor:
            cursor.copy_expert(f"COPY ({ALL}) TO STDOUT (FORMAT csv)", file)
    seconds = time.perf_counter() - began
    asker.close()
    return seconds
