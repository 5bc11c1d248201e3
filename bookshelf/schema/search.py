"""What a search costs on PostgreSQL: whether the indexes of revision 0009 are there, or why not."""

from collections.abc import Iterator

from sqlalchemy import Connection, text

from bookshelf.schema.findings import Finding

WORDS = {
    "authors": "string_to_array(sort_key, ' ')",
    "books": "(string_to_array(sort_key, ' ') || string_to_array(author_key, ' '))",
}
COST_OF_ROWS = "about 0.1 s for each million rows"
COST_OF_WORDS = "about 8 ms for each 100,000 of them"
EXTENSION = text("SELECT 1 FROM pg_extension WHERE extname = 'pg_trgm'")
IS_THERE = text("SELECT to_regclass(:index) IS NOT NULL")
INDEX_ROWS = (
    "CREATE INDEX CONCURRENTLY {index} ON {table} USING gin ({words})"
    " WITH (fastupdate = off); ALTER INDEX {index} ALTER COLUMN 1 SET STATISTICS 400;"
    " ANALYZE {table};"
)
INDEX_PARTS = "CREATE INDEX CONCURRENTLY {index} ON {table} USING gin (word gin_trgm_ops);"


def findings(connection: Connection) -> Iterator[Finding]:
    """Say what an administrator may run; that a search takes longer is no fault."""
    found = [said for table in WORDS for said in _missing(connection, table)]
    yield from (Finding("search", said) for said in found or ["words are looked up in indexes"])


def _missing(connection: Connection, table: str) -> Iterator[str]:
    index, words = f"ix_{table}_words", f"words_of_{table}"
    if not _is_there(connection, index):
        remedy = INDEX_ROWS.format(index=index, table=table, words=WORDS[table])
        yield f"reads all {table}, {COST_OF_ROWS}. To look them up instead: {remedy}"
    index = f"ix_{words}_word_trgm"
    if not _is_there(connection, index):
        extension = "" if connection.scalar(EXTENSION) else "CREATE EXTENSION pg_trgm; "
        remedy = extension + INDEX_PARTS.format(index=index, table=words)
        yield f"reads all words of {table}, {COST_OF_WORDS}. To look them up instead: {remedy}"


def _is_there(connection: Connection, index: str) -> bool:
    return bool(connection.scalar(IS_THERE, {"index": index}))
