"""Where the models and the database differ, though every revision has run."""

from alembic.autogenerate import produce_migrations
from alembic.migration import MigrationContext
from sqlalchemy import Connection

from bookshelf.core.db import db
from bookshelf.schema import words, writing


def differences(connection: Connection) -> list[str]:
    """What a revision that nobody has written would do, in words; nothing where both agree.

    They are compared as `flask db migrate` does it. Asked of a database that lacks a revision, it
    would tell of that one.
    """
    options = writing.options()
    # This one writes a file, and asks for the command that has called it.
    del options["process_revision_directives"]
    context = MigrationContext.configure(
        connection, opts=options | {"target_metadata": db.metadata}
    )
    with writing.comparing():
        found = produce_migrations(context, db.metadata).upgrade_ops
    return [words.in_words(operation) for operation in words.flat(found.ops if found else ())]
