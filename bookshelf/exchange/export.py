"""The rows of a statement as CSV (RFC 4180), however many, from one snapshot.

A statement sees one snapshot, and its rows are handed on a few hundred at a time while the
database sends them: a million take no more memory than a thousand.
"""

import csv
import io
from collections.abc import Generator, Iterable
from contextlib import closing
from typing import Final

from sqlalchemy import Engine

from bookshelf.core.db import AnySelect
from bookshelf.exchange.copying import copied

ROWS_AT_ONCE: Final = 500

# Excel takes a file for UTF-8 only if it begins with this mark; readers of CSV skip it.
MARK: Final = "\ufeff"

Parts = Generator[bytes, None, None]


def file_of(engine: Engine, statement: AnySelect) -> Parts:
    """The file: a mark, a line with the names of the columns, and the rows.

    What fails in the first moments raises here, before anything is given; what fails later, raises
    from the generator. Closing it stops the database, too.
    """
    parts = _parts(engine, statement)
    next(parts)
    return parts


def _parts(engine: Engine, statement: AnySelect) -> Parts:
    """Nothing once there is something to give, and then the parts of the file."""
    rows = copied if engine.dialect.name == "postgresql" else _read
    with closing(rows(engine, statement)) as lines:
        first = next(lines, b"")
        yield b""
        names = [str(column.key) for column in statement.selected_columns]
        yield (MARK + _lines([names])).encode() + first
        yield from lines


def _read(engine: Engine, statement: AnySelect) -> Parts:
    """The lines as SQLite gives the rows."""
    with engine.connect() as connection:
        for rows in connection.execute(statement).partitions(ROWS_AT_ONCE):
            yield _lines(rows).encode()


def _lines(rows: Iterable[Iterable[object]]) -> str:
    text = io.StringIO()
    csv.writer(text).writerows(rows)  # which ends lines with CR LF
    return text.getvalue()
