"""The page of the schema, which only looks: nothing is migrated from a browser."""

from alembic.util import CommandError
from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import ServiceUnavailable

from bookshelf.core.db import db
from bookshelf.core.permissions import Permission
from bookshelf.schema import overview
from bookshelf.schema.guard import bears_an_old_database
from bookshelf.web.security import requires

schema = Blueprint("schema", __name__)


@schema.get("/schema")
@requires(Permission.ADMINISTER)
@bears_an_old_database
def index() -> ResponseReturnValue:
    """Where the database stands, what is pending, and how it came here."""
    try:
        found = overview.of(db.session.connection())
    except CommandError as error:
        raise ServiceUnavailable(f"Just now {error}.") from error
    return render_template("schema/index.html", overview=found)
