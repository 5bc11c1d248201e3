"""What `flask doctor` finds inside the database: drift, broken parts, and who holds what."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing

from sqlalchemy import Connection, text

from bookshelf.schema import drift, patience, search
from bookshelf.schema.findings import Finding

# One that is being built just now is not valid yet.
INVALID = text(
    "SELECT indexrelid::regclass::text FROM pg_index WHERE NOT indisvalid"
    " AND pg_table_is_visible(indrelid)"
    " AND indexrelid NOT IN (SELECT index_relid FROM pg_stat_progress_create_index) ORDER BY 1"
)
NOT_VALIDATED = text(
    "SELECT conrelid::regclass::text, conname FROM pg_constraint"
    " WHERE NOT convalidated AND conrelid <> 0 AND pg_table_is_visible(conrelid) ORDER BY 1, 2"
)
WITHOUT_PARENT = text(
    'SELECT "table", parent, count(*) FROM pragma_foreign_key_check GROUP BY 1, 2 ORDER BY 1, 2'
)


def findings(connection: Connection, *, comparable: bool) -> Iterator[Finding]:
    """Look at the database of a connection; models are compared where both are at one revision."""
    if comparable:
        yield _drift(connection)
    if connection.dialect.name == "sqlite":
        yield from _references_on_sqlite(connection)
        yield _writer(str(connection.engine.url.database))
    else:
        yield from _indexes(connection)
        yield from _constraints(connection)
        yield from _holders(connection)
        if comparable:
            yield from search.findings(connection)


def _drift(connection: Connection) -> Finding:
    found = drift.differences(connection)
    if not found:
        return Finding("drift", "none: models and database agree")
    missing = "; ".join(found)
    trouble = f"a revision is missing that {missing}; see `flask db migrate`"
    return Finding("drift", trouble=trouble)


def _references_on_sqlite(connection: Connection) -> Iterator[Finding]:
    """A file may have been written to with foreign keys off, which is SQLite's default."""
    broken = connection.execute(WITHOUT_PARENT).all()
    if not broken:
        yield Finding("references", "all lead somewhere")
    for table, parent, count in broken:
        rows = "1 row refers" if count == 1 else f"{count:,} rows refer"
        trouble = f"{rows} from {table} to {parent} where there is nothing"
        yield Finding("references", trouble=f"{trouble}; see PRAGMA foreign_key_check")


def _writer(file: str) -> Finding:
    """Whether the one write lock is to be had, which is found out by taking it for a moment."""
    with closing(sqlite3.connect(file, timeout=0, isolation_level=None)) as connection:
        try:
            connection.execute("BEGIN IMMEDIATE")
            connection.execute("ROLLBACK")
        except sqlite3.OperationalError:
            return Finding("locks", "another process is writing")
    return Finding("locks", "nobody is writing")


def _indexes(connection: Connection) -> Iterator[Finding]:
    invalid = connection.scalars(INVALID).all()
    if not invalid:
        yield Finding("indexes", "all are valid")
    for name in invalid:
        trouble = f"{name} is INVALID, so kept up and never used: DROP INDEX CONCURRENTLY {name}"
        yield Finding("indexes", trouble=f"{trouble}, and build it anew")


def _constraints(connection: Connection) -> Iterator[Finding]:
    """PostgreSQL itself keeps to constraints, except in rows older than one that is NOT VALID."""
    unchecked = connection.execute(NOT_VALIDATED).all()
    if not unchecked:
        yield Finding("constraints", "all are validated")
    for table, name in unchecked:
        remedy = f"ALTER TABLE {table} VALIDATE CONSTRAINT {name}"
        trouble = f"{name} of {table} is NOT VALID, so older rows may break it: {remedy}"
        yield Finding("constraints", trouble=trouble)


def _holders(connection: Connection) -> Iterator[Finding]:
    """Whom a migration would wait for."""
    holders = connection.scalars(patience.IN_THE_WAY, {"waited": 0}).all()
    if not holders:
        yield Finding("locks", "nobody holds a table")
    yield from (Finding("locks", holder) for holder in holders)
