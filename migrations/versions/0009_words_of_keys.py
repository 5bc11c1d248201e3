"""words of keys

On PostgreSQL, what a search looks up from now on. Beside authors and books each, a table has every
word of their sort keys; triggers keep it. A part of a word is found there, by an index where
pg_trgm may be created (see 0007), else by reading it, as it is small. Rows are then found by whole
words, books by those of their authors, too, in indexes that need half of the room of those of 0007
and answer ten times as fast. The models know nothing of all this, as SQLite has none.

A part that very many words have is looked for row by row. How many rows that leaves, the server
knew from the indexes of 0007; now it keeps as good statistics of the keys themselves.

A release from before knows only those: until none runs any more, its searches read whole tables.

Every step bears that it was done before, as a run that was broken off begins anew.

Revision ID: 0009
Revises: 0008
Create Date: 2026-11-26 09:15:00
"""

from alembic import context, op
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

# What a search reads of a row: keys, and their words.
KEYS = {"authors": ["sort_key"], "books": ["sort_key", "author_key"]}
WORDS = {
    "authors": "string_to_array(sort_key, ' ')",
    "books": "(string_to_array(sort_key, ' ') || string_to_array(author_key, ' '))",
}

# No word is forbidden to stand there twice: who adds one would have to wait for all others who do.
CREATE_TABLE = 'CREATE TABLE IF NOT EXISTS words_of_{table} (word text COLLATE "C" NOT NULL)'
ADD_WORDS = """INSERT INTO words_of_{table} SELECT DISTINCT found.word
    FROM {source} unnest(string_to_array({key}, ' ')) AS found (word)
    WHERE NOT EXISTS (SELECT FROM words_of_{table} AS known WHERE known.word = found.word)"""
# A session keeps the plan of its first rows, when there may be few words as yet, for all that
# follow; and who restores a dump names no schema.
CREATE_FUNCTION = """CREATE OR REPLACE FUNCTION note_words_of_{table}() RETURNS trigger
    LANGUAGE plpgsql SET enable_seqscan = off SET search_path FROM CURRENT
    AS $$ BEGIN {add_words}; RETURN NULL; END $$"""
CREATE_TRIGGER = """CREATE OR REPLACE TRIGGER note_words AFTER INSERT OR UPDATE OF sort_key
    ON {table} FOR EACH ROW EXECUTE FUNCTION note_words_of_{table}()"""
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
    for table in WORDS:
        note_new_words(table)
        add_old_words(table)
        index_words(table, operators)
        index_rows(table)
    for table in WORDS:
        op.drop_index_concurrently(f"ix_{table}_sort_key_trgm", table)


def note_new_words(table: str) -> None:
    """From before the old rows are read, so that no word slips through in between."""
    add_words = ADD_WORDS.format(table=table, source="", key="NEW.sort_key")
    op.execute(CREATE_TABLE.format(table=table))
    op.execute(CREATE_FUNCTION.format(table=table, add_words=add_words))
    op.execute(CREATE_TRIGGER.format(table=table))
    # This commits what was done so far: nobody who saves waits until all is read.
    op.create_index_concurrently(f"ix_words_of_{table}_word", f"words_of_{table}", ["word"])


def add_old_words(table: str) -> None:
    op.execute(ADD_WORDS.format(table=table, source=f"{table},", key="sort_key"))


def index_words(table: str, operators: str | None) -> None:
    name, words = f"ix_words_of_{table}_word_trgm", f"words_of_{table}"
    if operators:
        parts = text(f"word {operators}")
        op.create_index_concurrently(name, words, [parts], postgresql_using="gin")
    op.execute(f"ANALYZE {words}")


def index_rows(table: str) -> None:
    name, words = f"ix_{table}_words", text(WORDS[table])
    # New rows go in at once: a list of those that wait would be read by every search.
    at_once = {"fastupdate": "off"}
    op.create_index_concurrently(
        name, table, [words], postgresql_using="gin", postgresql_with=at_once
    )
    # How many rows have a word is guessed from a sample: one of 100 knows only whole percents.
    op.execute(f"ALTER INDEX {name} ALTER COLUMN 1 SET STATISTICS 400")
    for key in KEYS[table]:
        op.execute(f"ALTER TABLE {table} ALTER COLUMN {key} SET STATISTICS 400")
    op.execute(f"ANALYZE {table}")


def downgrade() -> None:
    """The extension stays: others may use it."""
    if op.get_context().dialect.name != "postgresql":
        return
    operators = find_operators()
    for table in WORDS if operators else ():
        index_parts_of(table, operators)
    for table in WORDS:
        for key in KEYS[table]:
            op.execute(f"ALTER TABLE {table} ALTER COLUMN {key} SET STATISTICS -1")
        op.execute(f"DROP TRIGGER IF EXISTS note_words ON {table}")
        op.execute(f"DROP FUNCTION IF EXISTS note_words_of_{table}()")
        # Not by op.drop_table, whose rows are counted as a loss: these can be had from the keys.
        op.execute(f"DROP TABLE IF EXISTS words_of_{table}")
        # This commits, before the other table is taken.
        op.drop_index_concurrently(f"ix_{table}_words", table)


def index_parts_of(table: str, operators: str) -> None:
    """As 0007 has done it."""
    name, key = f"ix_{table}_sort_key_trgm", text(f"(' ' || sort_key || ' ') {operators}")
    op.create_index_concurrently(name, table, [key], postgresql_using="gin")
    op.execute(f"ALTER INDEX {name} ALTER COLUMN 1 SET STATISTICS 400")
    op.execute(f"ANALYZE {table}")


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
