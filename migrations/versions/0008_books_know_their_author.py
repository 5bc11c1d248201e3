"""books know their author

A book keeps its author's sort key and country beside its own, so that a list of books is searched
and narrowed in one table, in the order of titles. Triggers keep them, whoever writes: the release
from before, too, which knows nothing of all this. A book that is saved waits for somebody who is
just changing its author, so that it never keeps what is out of date. Who changes the name or the
country of an author waits for their books: about a tenth of a second for a thousand.

Each part of a key that an index can hold has 2,704 bytes on PostgreSQL. A title has 2,500 at most,
so of the author's key as much is kept as surely fits beside it: all of it but for the longest.

Every step bears that it was done before, as a run that was broken off begins anew.

Revision ID: 0008
Revises: 0007
Create Date: 2026-11-26 09:00:00
"""

import sqlalchemy as sa
from alembic import context, op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

ROWS_AT_ONCE = 2000
KEY = sa.String().with_variant(sa.String(collation="C"), "postgresql")
INDEXES = (
    ("ix_books_sort_key_author_key", ["sort_key", "id", "author_key"]),
    ("ix_books_author_country", ["author_country", "sort_key", "id"]),
)

# In SQL that is written down no line within them ends with a semicolon, as a statement does.
ON_POSTGRESQL = (
    "CREATE OR REPLACE FUNCTION know_author() RETURNS trigger"
    " LANGUAGE plpgsql SET search_path FROM CURRENT AS $$ DECLARE theirs record; BEGIN"
    " SELECT sort_key, country INTO theirs FROM authors WHERE id = NEW.author_id FOR SHARE;"
    " NEW.author_key ="
    " coalesce(left(theirs.sort_key, (2600 - octet_length(NEW.sort_key)) / 4), '');"
    " NEW.author_country = theirs.country; RETURN NEW; END $$",
    "CREATE OR REPLACE FUNCTION tell_books() RETURNS trigger"
    " LANGUAGE plpgsql SET search_path FROM CURRENT AS $$ BEGIN"
    " UPDATE books SET author_country = NEW.country,"
    " author_key = left(NEW.sort_key, (2600 - octet_length(sort_key)) / 4)"
    " WHERE author_id = NEW.id; RETURN NULL; END $$",
    "CREATE OR REPLACE TRIGGER know_author BEFORE INSERT OR UPDATE OF author_id, sort_key"
    " ON books FOR EACH ROW EXECUTE FUNCTION know_author()",
    "CREATE OR REPLACE TRIGGER tell_books AFTER UPDATE OF sort_key, country ON authors FOR EACH ROW"
    " WHEN ((OLD.sort_key, OLD.country) IS DISTINCT FROM (NEW.sort_key, NEW.country))"
    " EXECUTE FUNCTION tell_books()",
)
KNOW_AUTHOR = (
    "CREATE TRIGGER {name} AFTER {change} ON books BEGIN"
    " UPDATE books SET (author_key, author_country) = (SELECT"
    " substr(authors.sort_key, 1, (2600 - length(CAST(NEW.sort_key AS BLOB))) / 4), country"
    " FROM authors WHERE id = NEW.author_id)"
    " WHERE id = NEW.id AND EXISTS (SELECT 1 FROM authors WHERE id = NEW.author_id); END"
)
ON_SQLITE = (
    KNOW_AUTHOR.format(name="know_author", change="INSERT"),
    KNOW_AUTHOR.format(name="know_other_author", change="UPDATE OF author_id, sort_key"),
    "CREATE TRIGGER tell_books AFTER UPDATE OF sort_key, country ON authors"
    " WHEN OLD.sort_key <> NEW.sort_key OR OLD.country IS NOT NEW.country BEGIN"
    " UPDATE books SET author_country = NEW.country,"
    " author_key = substr(NEW.sort_key, 1, (2600 - length(CAST(sort_key AS BLOB))) / 4)"
    " WHERE author_id = NEW.id; END",
)


def upgrade() -> None:
    key = sa.Column("author_key", KEY, server_default=sa.text("''"), nullable=False)
    op.add_column("books", key, if_not_exists=is_postgresql() or None)
    country = sa.Column("author_country", sa.String(4), nullable=True)
    op.add_column("books", country, if_not_exists=is_postgresql() or None)
    for statement in ON_POSTGRESQL if is_postgresql() else ON_SQLITE:
        op.execute(statement)
    tell_old_books()
    for name, columns in INDEXES:
        op.create_index_concurrently(name, "books", columns)
    op.drop_index_concurrently("ix_books_sort_key", "books")


def tell_old_books() -> None:
    """By the trigger, which waits for who changes the author meanwhile."""
    if context.is_offline_mode() or not is_postgresql():
        op.execute("UPDATE books SET sort_key = sort_key")
        return
    tell = sa.text("UPDATE books SET sort_key = sort_key WHERE id BETWEEN :low AND :high")
    last = op.get_bind().scalar(sa.text("SELECT max(id) FROM books")) or 0
    if not last:
        return
    # Each time this commits, so that nobody who saves waits for more than some of the rows.
    with op.get_context().autocommit_block():
        for low in range(1, last + 1, ROWS_AT_ONCE):
            op.execute(tell.bindparams(low=low, high=low + ROWS_AT_ONCE - 1))


def downgrade() -> None:
    """What is dropped here can be had from the authors, so it is not counted as a loss."""
    op.create_index_concurrently("ix_books_sort_key", "books", ["sort_key", "id"])
    for name, _ in reversed(INDEXES):
        op.drop_index_concurrently(name, "books")
    if is_postgresql():
        op.execute("DROP TRIGGER IF EXISTS tell_books ON authors")
        op.execute("DROP TRIGGER IF EXISTS know_author ON books")
        op.execute("DROP FUNCTION IF EXISTS tell_books(), know_author()")
    else:
        for name in ("know_author", "know_other_author", "tell_books"):
            op.execute(f"DROP TRIGGER {name}")
    for column in ("author_key", "author_country"):
        op.execute(f"ALTER TABLE books DROP COLUMN {column}")


def is_postgresql() -> bool:
    return op.get_context().dialect.name == "postgresql"
