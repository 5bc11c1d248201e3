"""indexes of lists

One for each order of a list that had none, ties included. By ISBN the unique one has the order,
but not of the books without any; on PostgreSQL these have one to themselves.

Revision ID: 0006
Revises: 0005
Create Date: 2026-11-25 21:00:00
"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

INDEXES = (
    ("ix_books_year", "books", ["year", "sort_key", "id"]),
    ("ix_books_publisher", "books", ["publisher", "id"]),
    ("ix_books_isbn", "books", ["isbn", "sort_key", "id"]),
    ("ix_users_role", "users", ["role", "sort_key", "id"]),
)


def upgrade() -> None:
    for name, table, columns in INDEXES:
        where = sa.text("isbn IS NULL") if name == "ix_books_isbn" else None
        op.create_index_concurrently(name, table, columns, postgresql_where=where)


def downgrade() -> None:
    for name, table, _ in reversed(INDEXES):
        op.drop_index_concurrently(name, table)
