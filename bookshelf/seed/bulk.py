"""Writing very many rows at once, in one transaction; the caller commits."""

import csv
import io
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from itertools import islice
from typing import Any

from sqlalchemy import Table, insert, select, text

from bookshelf.authors.models import Author
from bookshelf.books.models import Book
from bookshelf.core.db import db
from bookshelf.seed import random_catalogue

ROWS_AT_ONCE = 1000
TABLES = ("authors", "books")
AUTHORS: Any = Author.__table__
BOOKS: Any = Book.__table__

# Those that are no constraints, with what is said of the statistics of their columns.
INDEXES = text(
    "SELECT relname AS name, pg_get_indexdef(indexrelid) AS definition,"
    " (SELECT array_agg(ARRAY[attnum, attstattarget]) FROM pg_attribute"
    "  WHERE attrelid = indexrelid AND attstattarget >= 0) AS statistics"
    " FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid"
    " WHERE indrelid IN (to_regclass('authors'), to_regclass('books'))"
    " AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = indexrelid)"
)

Rows = Iterator[random_catalogue.AuthorRow | random_catalogue.BookRow]
Advance = Callable[[int], None]


def is_empty_shelf() -> bool:
    """Whether there is no author, and so no book either."""
    return db.session.scalar(select(Author.id).limit(1)) is None


def add_random(*, authors: int, books: int, seed: int, advance: Advance) -> None:
    """Add so many authors and books; `advance` hears how many rows have just been written.

    Until the transaction ends nobody else can add anything.
    """
    postgresql = db.engine.dialect.name == "postgresql"
    if postgresql:
        _keep_others_out()
    write = _copy if postgresql else _insert
    with _built_afterwards() if postgresql and is_empty_shelf() else nullcontext():
        ids = {"first": _reserved(AUTHORS, authors)}
        write(AUTHORS, random_catalogue.authors(seed=seed, count=authors, **ids), advance)
        ids = {"first": _reserved(BOOKS, books), "first_author": ids["first"]}
        taken = set(db.session.scalars(select(Book.isbn)))
        rows = random_catalogue.books(seed=seed, count=books, authors=authors, taken=taken, **ids)
        write(BOOKS, rows, advance)
    for table in TABLES:
        db.session.execute(text(f"ANALYZE {table}"))


def _keep_others_out() -> None:
    db.session.execute(text("SELECT set_config('statement_timeout', '0', true)"))
    db.session.execute(text("SELECT set_config('maintenance_work_mem', '256MB', true)"))
    db.session.execute(text("LOCK TABLE authors, books IN SHARE ROW EXCLUSIVE MODE"))


def _reserved(table: Table, count: int) -> int:
    """The first of so many ids that no row ever had, nor will get from the database."""
    values = {"name": table.name, "count": count}
    if db.engine.dialect.name == "sqlite":  # where the ids of new rows follow the highest one
        last = text("SELECT seq FROM sqlite_sequence WHERE name = :name")
        return int(db.session.scalar(last, values) or 0) + 1
    if not count:
        return 1
    next_id = text("SELECT nextval(pg_get_serial_sequence(:name, 'id'))")
    values["first"] = first = int(db.session.scalar(next_id, values))
    last = text("SELECT setval(pg_get_serial_sequence(:name, 'id'), :first + :count - 1)")
    db.session.execute(last, values)
    return first


@contextmanager
def _built_afterwards() -> Iterator[None]:
    """Take the indexes away that are no constraints: over ready rows PostgreSQL builds them faster.

    Words are not noted row by row either. While people use the shelf that would be no good: every
    list would need the indexes.
    """
    _note_words("DISABLE")
    indexes = db.session.execute(INDEXES).all()
    for index in indexes:
        db.session.execute(text(f'DROP INDEX "{index.name}"'))
    yield
    _note_words("ENABLE")
    _add_words()
    connection = db.session.connection()
    for index in indexes:
        connection.exec_driver_sql(index.definition)
        for column, target in index.statistics or ():
            sampled = f'ALTER INDEX "{index.name}" ALTER COLUMN {column} SET STATISTICS {target}'
            connection.exec_driver_sql(sampled)


def _note_words(way: str) -> None:
    """ENABLE or DISABLE what notes the words of each row."""
    for table in TABLES:
        db.session.execute(text(f"ALTER TABLE {table} {way} TRIGGER note_words"))


def _add_words() -> None:
    """Of all rows at once; the words of rows that were deleted are there still."""
    for table in TABLES:
        words = f"SELECT unnest(string_to_array(sort_key, ' ')) FROM {table}"  # noqa: S608
        known = f"SELECT word FROM words_of_{table}"  # noqa: S608
        db.session.execute(text(f"INSERT INTO words_of_{table} {words} EXCEPT {known}"))
        db.session.execute(text(f"ANALYZE words_of_{table}"))


def _insert(table: Table, rows: Rows, advance: Advance) -> None:
    while batch := list(islice(rows, ROWS_AT_ONCE)):
        db.session.execute(insert(table), [row._asdict() for row in batch])
        advance(len(batch))


def _copy(table: Table, rows: Rows, advance: Advance) -> None:
    columns = random_catalogue.AuthorRow if table is AUTHORS else random_catalogue.BookRow
    statement = f"COPY {table.name} ({', '.join(columns._fields)}) FROM STDIN (FORMAT csv)"
    cursor: Any = db.session.connection().connection.cursor()
    with cursor:
        cursor.copy_expert(statement, _Lines(rows, advance))


class _Lines:
    """The rows as CSV, for psycopg2 to read a few at a time; an empty cell is NULL."""

    def __init__(self, rows: Rows, advance: Advance) -> None:
        self.rows = rows
        self.advance = advance

    def read(self, size: int) -> bytes:
        """The next rows, whatever their size; nothing at the end."""
        text = io.StringIO()
        batch: Sequence[Any] = list(islice(self.rows, ROWS_AT_ONCE))
        csv.writer(text).writerows(batch)
        self.advance(len(batch))
        return text.getvalue().encode()
