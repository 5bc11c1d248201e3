"""${message.replace("\\", "\\\\").replace('"' * 3, '\\"' * 3)}

Revision ID: ${up_revision}
Revises: ${down_revision | comma,n}
Create Date: ${create_date}
"""

import sqlalchemy as sa
from alembic import op
${imports if imports else ""}
revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}
branch_labels = ${repr(branch_labels)}
depends_on = ${repr(depends_on)}

# This runs while the old release serves, so it may only (delete these lines once they are heeded)
#   before the new release:  add (what may be empty, or has a server_default), then fill in batches,
#                            then constrain (NOT VALID; a later revision validates it);
#   after it, one release on: forbid NULL, rename, drop what no code names any more.
# One table in a revision. An index on a table in use: op.create_index_concurrently, alone.
# An upgrade that destroys on purpose says what:   data_loss_ok = ["books.subtitle"]
# What `flask db lint` finds and is right here:    lint_ok = {"ban-drop-column": "why it is"}


def upgrade() -> None:
    ${upgrades if upgrades else "pass"}


def downgrade() -> None:
    ${downgrades if downgrades else "pass"}
