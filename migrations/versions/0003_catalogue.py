"""catalogue

What a real catalogue needs: names and titles as long as real ones, the keys under which they sort
and are found, what a book is known by, and when and how often a row was changed.

Revision ID: 0003
Revises: 0002
Create Date: 2026-11-04 09:00:00
"""

import re
import unicodedata

import sqlalchemy as sa
from alembic import context, op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

ROWS_AT_ONCE = 1000
AUTOINCREMENT = {"sqlite_autoincrement": True}
KEY = sa.String().with_variant(sa.String(collation="C"), "postgresql")
PUBLISHER = sa.String(300).with_variant(sa.String(300, collation="C"), "postgresql")
MOMENT = sa.DateTime(timezone=True)
NOW = sa.text("CURRENT_TIMESTAMP")


def upgrade() -> None:
    op.add_column("authors", sa.Column("sort_name", sa.String(length=300), nullable=True))
    op.add_column("authors", sa.Column("sort_key", KEY, nullable=True))
    op.add_column("books", sa.Column("sort_key", KEY, nullable=True))
    fill_sort_keys()
    with op.batch_alter_table("authors", copy_from=AUTHORS, table_kwargs=AUTOINCREMENT) as authors:
        authors.alter_column("name", existing_type=sa.String(100), type_=sa.String(300))
        authors.alter_column("sort_name", existing_type=sa.String(300), nullable=False)
        authors.alter_column("sort_key", existing_type=KEY, nullable=False)
        authors.add_column(moment("updated_at"))
        authors.add_column(version())
    with op.batch_alter_table("books", copy_from=BOOKS, table_kwargs=AUTOINCREMENT) as books:
        books.alter_column("title", existing_type=sa.String(200), type_=sa.String(1000))
        books.alter_column("sort_key", existing_type=KEY, nullable=False)
        books.add_column(sa.Column("isbn", sa.String(13), nullable=True))
        books.add_column(sa.Column("year", sa.Integer(), nullable=True))
        books.add_column(sa.Column("publisher", PUBLISHER, nullable=True))
        books.add_column(sa.Column("language", sa.String(3), nullable=True))
        books.add_column(moment("updated_at"))
        books.add_column(version())
        books.create_unique_constraint("uq_books_isbn", ["isbn"])
    for table in ("authors", "books"):
        op.execute(f"UPDATE {table} SET updated_at = created_at")
    for name, table, columns in INDEXES:
        op.create_index(name, table, columns)


def downgrade() -> None:
    for name, table, _ in reversed(INDEXES):
        op.drop_index(name, table_name=table)
    with op.batch_alter_table("books", copy_from=NEW_BOOKS, table_kwargs=AUTOINCREMENT) as books:
        books.drop_constraint("uq_books_isbn", type_="unique")
        for column in ("version", "updated_at", "language", "publisher", "year", "isbn"):
            books.drop_column(column)
        books.drop_column("sort_key")
        books.alter_column("title", existing_type=sa.String(1000), type_=sa.String(200))
    with op.batch_alter_table(
        "authors", copy_from=NEW_AUTHORS, table_kwargs=AUTOINCREMENT
    ) as authors:
        for column in ("version", "updated_at", "sort_key", "sort_name"):
            authors.drop_column(column)
        authors.alter_column("name", existing_type=sa.String(300), type_=sa.String(100))


INDEXES = (
    ("ix_authors_sort_key", "authors", ["sort_key", "id"]),
    ("ix_authors_country", "authors", ["country", "sort_key", "id"]),
    ("ix_books_sort_key", "books", ["sort_key", "id"]),
    ("ix_books_author_id", "books", ["author_id", "sort_key", "id"]),
    ("ix_books_language", "books", ["language", "sort_key", "id"]),
)

# SQLite builds a changed table anew. What it copies from stands here, so that this revision can
# be written as SQL without a database (`flask db upgrade --sql`).


def table(name: str, *items: sa.schema.SchemaItem) -> sa.Table:
    return sa.Table(
        name,
        sa.MetaData(),
        sa.Column("id", sa.Integer(), primary_key=True, nullable=False),
        *items,
    )


def moment(name: str) -> sa.Column[object]:
    return sa.Column(name, MOMENT, server_default=NOW, nullable=False)


def version() -> sa.Column[int]:
    return sa.Column("version", sa.Integer(), server_default=sa.text("1"), nullable=False)


def author_of_a_book() -> tuple[sa.Column[int], sa.ForeignKeyConstraint]:
    name = "fk_books_author_id_authors"
    reference = sa.ForeignKeyConstraint(
        ["author_id"], ["authors.id"], name=name, ondelete="RESTRICT"
    )
    return sa.Column("author_id", sa.Integer(), nullable=False), reference


AUTHORS = table(
    "authors",
    sa.Column("name", sa.String(100), nullable=False),
    sa.Column("bio", sa.Text(), nullable=True),
    moment("created_at"),
    sa.Column("country", sa.String(4), nullable=True),
    sa.Column("sort_name", sa.String(300), nullable=True),
    sa.Column("sort_key", KEY, nullable=True),
)
BOOKS = table(
    "books",
    sa.Column("title", sa.String(200), nullable=False),
    *author_of_a_book(),
    moment("created_at"),
    sa.Column("sort_key", KEY, nullable=True),
)
NEW_AUTHORS = table(
    "authors",
    sa.Column("name", sa.String(300), nullable=False),
    sa.Column("bio", sa.Text(), nullable=True),
    moment("created_at"),
    sa.Column("country", sa.String(4), nullable=True),
    sa.Column("sort_name", sa.String(300), nullable=False),
    sa.Column("sort_key", KEY, nullable=False),
    moment("updated_at"),
    version(),
)
NEW_BOOKS = table(
    "books",
    sa.Column("title", sa.String(1000), nullable=False),
    *author_of_a_book(),
    moment("created_at"),
    sa.Column("sort_key", KEY, nullable=False),
    sa.Column("isbn", sa.String(13), nullable=True),
    sa.Column("year", sa.Integer(), nullable=True),
    sa.Column("publisher", PUBLISHER, nullable=True),
    sa.Column("language", sa.String(3), nullable=True),
    moment("updated_at"),
    version(),
    sa.UniqueConstraint("isbn", name="uq_books_isbn"),
)

# The rows that are there get their keys from the functions below, which are frozen: what the app
# makes of a name later is no concern of this revision.


def fill_sort_keys() -> None:
    if context.is_offline_mode():
        fill_roughly()
        return
    for rows in batches(sa.table("authors", sa.column("id"), sa.column("name")).c):
        named = [(id_, sort_name(name)) for id_, name in rows]
        op.get_bind().execute(
            sa.text("UPDATE authors SET sort_name = :sort_name, sort_key = :key WHERE id = :row"),
            [{"row": id_, "sort_name": by, "key": sort_key(by)} for id_, by in named],
        )
    for rows in batches(sa.table("books", sa.column("id"), sa.column("title")).c):
        values = [{"row": id_, "key": sort_key(without_article(title))} for id_, title in rows]
        op.get_bind().execute(sa.text("UPDATE books SET sort_key = :key WHERE id = :row"), values)


def fill_roughly():
    """Written as SQL, there is no reading a row: its keys are rough, yet none is missing.

    A missing one would stop PostgreSQL; the shell of SQLite would go on, and drop the old table
    though no row had been copied.
    """
    op.get_context().impl.static_output(
        "-- Rows that are there get rough keys, with accents and articles where they stood;\n"
        "-- `flask db upgrade` reads the rows and makes the right ones."
    )
    op.execute("UPDATE authors SET sort_name = name, sort_key = lower(name)")
    op.execute("UPDATE books SET sort_key = lower(title)")


def batches(columns):
    page = sa.select(*columns).order_by(columns.id).limit(ROWS_AT_ONCE)
    rows = op.get_bind().execute(page).all()
    while rows:
        yield rows
        rows = op.get_bind().execute(page.where(columns.id > rows[-1].id)).all()


SUFFIXES = ("jr", "sr", "ii", "iii", "iv")
IN_FRONT = ("Le", "La", "De", "Du", "Van", "Von", "Mac", "St.")
FAMILY_NAME_FIRST = ("CJK", "HANGUL", "HIRAGANA", "KATAKANA")


def sort_name(name):
    """ "Chimamanda Ngozi Adichie" -> "Adichie, Chimamanda Ngozi"; people may correct it later."""
    words = name.split()
    suffix = [words.pop()] if words and words[-1].rstrip(".").lower() in SUFFIXES else []
    words[-1:] = [word.rstrip(",") for word in words[-1:]]
    eastern = any(unicodedata.name(c, "").startswith(FAMILY_NAME_FIRST) for c in name)
    if len(words) < 2 or eastern or any("," in word or word in ("of", "the") for word in words):
        return name
    family = 2 if len(words) > 2 and words[-2] in IN_FRONT else 1
    return ", ".join([" ".join(words[-family:]), " ".join(words[:-family]), *suffix])


def without_article(title):
    """ "The Two Towers" -> "Two Towers The"."""
    article, _, rest = title.partition(" ")
    return f"{rest} {article}" if article.lower() in ("a", "an", "the") and rest else title


LETTERS = str.maketrans({"ø": "o", "ł": "l", "đ": "d", "æ": "ae", "œ": "oe", "þ": "th", "ð": "d"})


def sort_key(text):
    """Without accents, case and punctuation; at most 2,500 bytes, which an index can hold."""
    plain = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
    letters = "".join(c for c in plain if not unicodedata.combining(c)).translate(LETTERS)
    spaced = "".join(" " if unicodedata.category(c)[0] in "PZC" else c for c in letters)
    key = re.sub(r" +", " ", spaced).strip() or text.strip()
    return key.encode()[:2500].decode(errors="ignore").rstrip()
