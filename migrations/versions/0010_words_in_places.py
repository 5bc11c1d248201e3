"""words in places

On PostgreSQL, what leads a search to its first rows however many have the words: an index of each
word together with the place of its row in the order of keys. A place is the first two letters of a
key, or one where that is not ASCII: scripts with many letters would make very many places of two.
The models know nothing of all this, as SQLite has no such index.

How many rows such an index leads to is never guessed from a sample, as it is asked for places that
are known only while it is read; so none is taken.

Every step bears that it was done before, as a run that was broken off begins anew.

Revision ID: 0010
Revises: 0009
Create Date: 2026-11-26 12:00:00
"""

from alembic import op
from sqlalchemy import text

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

PLACE = "rpad(sort_key, CASE WHEN octet_length(left(sort_key, 1)) = 1 THEN 2 ELSE 1 END)"
# What a search reads of a row.
KEYS = {"authors": "sort_key", "books": "sort_key || ' ' || author_key"}
WORDS = (
    f"string_to_array({PLACE} || ' ' || replace({{keys}}, ' ', chr(10) || {PLACE} || ' '), chr(10))"
)


def upgrade() -> None:
    if op.get_context().dialect.name != "postgresql":
        return
    for table, keys in KEYS.items():
        name = f"ix_{table}_places"
        # New rows go in at once: a list of those that wait would be read by every search.
        op.create_index_concurrently(
            name,
            table,
            [text(WORDS.format(keys=keys))],
            postgresql_using="gin",
            postgresql_with={"fastupdate": "off"},
        )
        op.execute(f"ALTER INDEX {name} ALTER COLUMN 1 SET STATISTICS 0")


def downgrade() -> None:
    if op.get_context().dialect.name != "postgresql":
        return
    for table in KEYS:
        op.drop_index_concurrently(f"ix_{table}_places", table)
