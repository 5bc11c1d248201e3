"""What a search costs on PostgreSQL: whether the indexes of 0009 to 0011 are there, or why not."""

from collections.abc import Iterator
from typing import NamedTuple

from sqlalchemy import Connection, text

from bookshelf.schema.findings import Finding

PLACE = "rpad({key}, CASE WHEN octet_length(left({key}, 1)) = 1 THEN 2 ELSE 1 END)"
PLACED = (
    f"string_to_array({PLACE} || ' ' || replace({{keys}}, ' ', chr(10) || {PLACE} || ' '), chr(10))"
)
OF_BOOKS = "sort_key || ' ' || author_key"
COST_OF_ROWS = "reads all {table}, about 0.1 s for each million rows"
COST_OF_PLACES = "reads all {table} for each place, about 5 s for each 100,000 rows"
COST_OF_WORDS = "reads all words of {table}, about 8 ms for each 100,000 of them"


class Index(NamedTuple):
    """An index of rows: what it has of each, how large a sample of that, what its lack costs."""

    words: str
    sample: int
    cost: str


OF_ROWS = {
    "authors": {
        "ix_authors_words": Index("string_to_array(sort_key, ' ')", 400, COST_OF_ROWS),
        "ix_authors_places": Index(
            PLACED.format(key="sort_key", keys="sort_key"), 0, COST_OF_PLACES
        ),
    },
    "books": {
        "ix_books_words": Index(
            "(string_to_array(sort_key, ' ') || string_to_array(author_key, ' '))",
            400,
            COST_OF_ROWS,
        ),
        "ix_books_places": Index(PLACED.format(key="sort_key", keys=OF_BOOKS), 0, COST_OF_PLACES),
        "ix_books_author_places": Index(
            PLACED.format(key="author_key", keys=OF_BOOKS), 0, COST_OF_PLACES
        ),
    },
}
EXTENSION = text("SELECT 1 FROM pg_extension WHERE extname = 'pg_trgm'")
IS_THERE = text("SELECT to_regclass(:index) IS NOT NULL")
INDEX_ROWS = (
    "CREATE INDEX CONCURRENTLY {index} ON {table} USING gin ({words})"
    " WITH (fastupdate = off); ALTER INDEX {index} ALTER COLUMN 1 SET STATISTICS {sample};"
    " ANALYZE {table};"
)
INDEX_PARTS = "CREATE INDEX CONCURRENTLY {index} ON {table} USING gin (word gin_trgm_ops);"


def findings(connection: Connection) -> Iterator[Finding]:
    """Say what an administrator may run; that a search takes longer is no fault."""
    found = [said for table in OF_ROWS for said in _missing(connection, table)]
    yield from (Finding("search", said) for said in found or ["words are looked up in indexes"])


def _missing(connection: Connection, table: str) -> Iterator[str]:
    for name, (words, sample, cost) in OF_ROWS[table].items():
        if not _is_there(connection, name):
            remedy = INDEX_ROWS.format(index=name, table=table, words=words, sample=sample)
            yield f"{cost.format(table=table)}. To look them up instead: {remedy}"
    words = f"words_of_{table}"
    name = f"ix_{words}_word_trgm"
    if not _is_there(connection, name):
        extension = "" if connection.scalar(EXTENSION) else "CREATE EXTENSION pg_trgm; "
        remedy = extension + INDEX_PARTS.format(index=name, table=words)
        yield f"{COST_OF_WORDS.format(table=table)}. To look them up instead: {remedy}"


def _is_there(connection: Connection, index: str) -> bool:
    return bool(connection.scalar(IS_THERE, {"index": index}))
