"""add country to author

Revision ID: 0002
Revises: 0001
Create Date: 2026-11-03 09:00:00
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("authors", sa.Column("country", sa.String(length=4), nullable=True))


def downgrade() -> None:
    op.drop_column("authors", "country")
