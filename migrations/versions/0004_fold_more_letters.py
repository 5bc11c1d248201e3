"""fold more letters

0003 gave the rows of its time sort keys in which letters such as "ı" and "ŋ" stood as they are. A
search folds them, and so never found these rows. Folding goes letter by letter, so it can go on
from the key that is there. Rows that were saved since have the right key, and stay untouched.

Revision ID: 0004
Revises: 0003
Create Date: 2026-11-21 12:00:00
"""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

LETTERS = dict(zip("ħıŧŋĸƀɓɖɗɛɠǥɨƙɲɔʉʋƴƶəʻʼ", "hitnqbbddeggiknouvyza  ", strict=True))


def upgrade() -> None:
    for table in ("authors", "books"):
        folded = f"coalesce(nullif({tidied(translated('sort_key'))}, ''), sort_key)"
        op.execute(f"UPDATE {table} SET sort_key = {folded} WHERE sort_key <> {folded}")


def downgrade() -> None:
    """The older keys served nobody better; 0003 goes on from either."""


def translated(text: str) -> str:
    """With the letters replaced, as SQL that both databases read."""
    for letter, near in LETTERS.items():
        text = f"replace({text}, '{letter}', '{near}')"
    return text


def tidied(text: str) -> str:
    """Without blanks at its ends or twice in a row, as an apostrophe may have left them."""
    return f"trim(replace(replace({text}, '  ', ' '), '  ', ' '))"
