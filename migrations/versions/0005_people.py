"""people

Who may sign in, and the tries to do so.

Revision ID: 0005
Revises: 0004
Create Date: 2026-11-21 12:20:00
"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

EMAIL = sa.String(254).with_variant(sa.String(254, collation="C"), "postgresql")
KEY = sa.String().with_variant(sa.String(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "users",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("email", EMAIL, nullable=False),
        sa.Column("name", sa.String(300), server_default=sa.text("''"), nullable=False),
        sa.Column("sort_key", KEY, nullable=False),
        sa.Column("password", sa.String(255), nullable=True),
        sa.Column("role", sa.String(20), nullable=False),
        sa.Column("active", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("fs_uniquifier", sa.String(64), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("CURRENT_TIMESTAMP"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "role IN ('viewer', 'editor', 'administrator')", name=op.f("ck_users_role")
        ),
        sa.PrimaryKeyConstraint("id", name="pk_users"),
        sa.UniqueConstraint("email", name="uq_users_email"),
        sa.UniqueConstraint("fs_uniquifier", name="uq_users_fs_uniquifier"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_users_sort_key", "users", ["sort_key", "id"])
    op.create_table(
        "sign_in_tries",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("account", sa.String(64), nullable=False),
        sa.Column("moments", sa.String(1000), nullable=False),
        sa.Column("last_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_sign_in_tries"),
        sa.UniqueConstraint("account", name="uq_sign_in_tries_account"),
        sqlite_autoincrement=True,
    )


def downgrade() -> None:
    op.drop_table("sign_in_tries")
    op.drop_index("ix_users_sort_key", table_name="users")
    op.drop_table("users")
