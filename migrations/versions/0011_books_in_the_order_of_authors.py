"""books in the order of authors

An index of books in the order of their authors, which was that of two tables put together; and on
PostgreSQL the words of books in places of that order, as 0010 has them in places of titles.

Every step bears that it was done before, as a run that was broken off begins anew.

Revision ID: 0011
Revises: 0010
Create Date: 2026-11-26 22:30:00
"""

from alembic import op
from sqlalchemy import text

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

ORDER, PLACES = "ix_books_author_key", "ix_books_author_places"
PLACE = "rpad(author_key, CASE WHEN octet_length(left(author_key, 1)) = 1 THEN 2 ELSE 1 END)"
KEYS = "sort_key || ' ' || author_key"
WORDS = (
    f"string_to_array({PLACE} || ' ' || replace({KEYS}, ' ', chr(10) || {PLACE} || ' '), chr(10))"
)


def upgrade() -> None:
    op.create_index_concurrently(ORDER, "books", ["author_key", "author_id", "sort_key", "id"])
    if op.get_context().dialect.name != "postgresql":
        return
    op.create_index_concurrently(
        PLACES,
        "books",
        [text(WORDS)],
        postgresql_using="gin",
        postgresql_with={"fastupdate": "off"},
    )
    op.execute(f"ALTER INDEX {PLACES} ALTER COLUMN 1 SET STATISTICS 0")


def downgrade() -> None:
    if op.get_context().dialect.name == "postgresql":
        op.drop_index_concurrently(PLACES, "books")
    op.drop_index_concurrently(ORDER, "books")
