"""Where PostgreSQL may not look words up by threes: all works, and the doctor says what to run."""

import re
from collections.abc import Callable

import pytest
from conftest import ROOT, Place, ask, execute, run_flask
from flask_migrate import upgrade
from servers import Server
from sqlalchemy import make_url

from bookshelf.authors import queries
from bookshelf.authors.services import create_author
from bookshelf.core.db import db

ROLE = "no_extensions"
INDEXES = "SELECT indexname FROM pg_indexes WHERE indexname LIKE '%\\_trgm' ORDER BY 1"


@pytest.fixture
def powerless(postgresql: Server, create_place: Callable[[str], Place]) -> Place:
    """A database whose owner of tables may not create an extension."""
    place = create_place("postgresql")
    url = make_url(place.migrating)
    execute(place.migrating, f"DROP ROLE IF EXISTS {ROLE}")
    execute(place.migrating, f"CREATE ROLE {ROLE} LOGIN PASSWORD 'x'")
    execute(place.migrating, f"GRANT ALL ON SCHEMA public TO {ROLE}")
    limited = url.set(username=ROLE, password="x").render_as_string(hide_password=False)
    return Place("postgresql", limited, limited)


def test_without_the_extension_all_goes_on_and_an_administrator_can_help_later(
    powerless: Place, postgresql: Server
) -> None:
    with powerless.app().app_context():
        upgrade()
        create_author(name="J. R. R. Tolkien")
        db.session.commit()
        assert [row.name for row in queries.best("lkie", 5)] == ["J. R. R. Tolkien"]
    assert ask(powerless, INDEXES) == []
    said = run_flask(ROOT, powerless, "doctor")
    remedies = re.findall(r"To look them up instead: (.*)", said)
    assert len(remedies) == 2
    admin = postgresql.url(str(make_url(powerless.migrating).database))
    for remedy in remedies:
        for statement in filter(None, map(str.strip, remedy.split(";"))):
            execute(admin, statement.replace("EXTENSION", "EXTENSION IF NOT EXISTS"))
    assert [name for (name,) in ask(powerless, INDEXES)] == [
        "ix_authors_sort_key_trgm",
        "ix_books_sort_key_trgm",
    ]
    assert "parts of words are looked up in indexes" in run_flask(ROOT, powerless, "doctor")
