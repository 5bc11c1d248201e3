"""trigrams of keys

On PostgreSQL, indexes by which a search finds any part of a sort key: of the three-letter pieces
that the extension pg_trgm makes. Where that may not be created, the revision goes on without:
search then reads whole tables, and `flask doctor` says what to run. The models know nothing of
these indexes, as SQLite has none.

A key stands between blanks there, so that one pattern says where a word begins, the first included.

Revision ID: 0007
Revises: 0006
Create Date: 2026-11-25 21:15:00
"""

from alembic import context, op
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

TABLES = ("authors", "books")
KEY = "(' ' || sort_key || ' ')"

CREATE_EXTENSION = "CREATE EXTENSION IF NOT EXISTS pg_trgm"
# Not allowed; not known to the server, as older and newer releases say it.
CANNOT_BE_CREATED = ("42501", "58P01", "0A000")
# It may have been created in a schema of its own, which no search path names.
OPERATORS = text(
    "SELECT quote_ident(nspname) || '.gin_trgm_ops' FROM pg_opclass"
    " JOIN pg_namespace ON pg_namespace.oid = opcnamespace WHERE opcname = 'gin_trgm_ops'"
)


def upgrade() -> None:
    if op.get_context().dialect.name != "postgresql":
        return
    operators = find_operators()
    for table in TABLES if operators else ():
        name = f"ix_{table}_sort_key_trgm"
        key = text(f"{KEY} {operators}")
        op.create_index_concurrently(name, table, [key], postgresql_using="gin")
        # How many rows have a word is guessed from a sample: one of 100 knows only whole percents.
        op.execute(f"ALTER INDEX {name} ALTER COLUMN 1 SET STATISTICS 400")
        op.execute(f"ANALYZE {table}")  # of an expression nothing is known before


def downgrade() -> None:
    """The extension stays: others may use it."""
    if op.get_context().dialect.name != "postgresql":
        return
    for table in TABLES:
        op.drop_index_concurrently(f"ix_{table}_sort_key_trgm", table)


def find_operators() -> str | None:
    """The operators of the extension, which is created at need; None where it may not be."""
    if context.is_offline_mode():
        op.execute(CREATE_EXTENSION)
        return "gin_trgm_ops"
    try:
        with op.get_bind().begin_nested():
            op.execute(CREATE_EXTENSION)
    except DBAPIError as error:
        if getattr(error.orig, "pgcode", None) not in CANNOT_BE_CREATED:
            raise
    return op.get_bind().scalar(OPERATORS)
