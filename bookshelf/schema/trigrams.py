"""What a search costs on PostgreSQL: whether the indexes of revision 0007 are there, or why not."""

from collections.abc import Iterator

from sqlalchemy import Connection, text

from bookshelf.schema.findings import Finding

TABLES = ("authors", "books")
COST = "about 0.3 s for each million rows"
EXTENSION = text("SELECT 1 FROM pg_extension WHERE extname = 'pg_trgm'")
IS_THERE = text("SELECT to_regclass(:index) IS NOT NULL")
CREATE = (
    "CREATE INDEX CONCURRENTLY {index} ON {table}"
    " USING gin ((' ' || sort_key || ' ') gin_trgm_ops); ANALYZE {table};"
)


def findings(connection: Connection) -> Iterator[Finding]:
    """Say what an administrator may run; that a search reads whole tables is no fault."""
    indexes = {table: f"ix_{table}_sort_key_trgm" for table in TABLES}
    missing = {table: name for table, name in indexes.items() if not _is_there(connection, name)}
    if not missing:
        yield Finding("search", "parts of words are looked up in indexes")
        return
    extension = "" if connection.scalar(EXTENSION) else "CREATE EXTENSION pg_trgm; "
    for table, index in missing.items():
        remedy = extension + CREATE.format(index=index, table=table)
        yield Finding("search", f"reads all {table}, {COST}. To look them up instead: {remedy}")


def _is_there(connection: Connection, index: str) -> bool:
    return bool(connection.scalar(IS_THERE, {"index": index}))
