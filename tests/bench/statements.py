"""How many statements a page costs, counted in an application of this process."""

from collections.abc import Sequence

from flask.testing import FlaskClient
from sqlalchemy import event

from bench.driving import Sent
from bench.filling import Shelf
from bench.lines import Line
from bookshelf.app import create_app
from bookshelf.core.db import db
from config import Config


def counts(shelf: Shelf, asked: Sequence[Line], cookie: str) -> list[int | None]:
    """The statements of each line with the person's, None for a line that writes."""
    app = create_app(Config.from_env(shelf.environment).settings())
    executed: list[str] = []
    with app.app_context():
        engine = db.engine

    @event.listens_for(engine, "before_cursor_execute")
    def note(connection: object, cursor: object, statement: str, *rest: object) -> None:
        if not statement.startswith("BEGIN"):  # which SQLite needs, and PostgreSQL's driver hides
            executed.append(statement)

    client = app.test_client(use_cookies=False)
    _get(client, Sent("/"), cookie)  # which looks once for the revisions of the database
    found: list[int | None] = []
    for line in asked:
        executed.clear()
        if not line.writes:
            _get(client, line.request, cookie)
        found.append(None if line.writes else len(executed))
    engine.dispose()
    return found


def _get(client: FlaskClient, sent: Sent, cookie: str) -> None:
    headers = {"Cookie": cookie, "Host": "127.0.0.1", **sent.headers}
    response = client.get(sent.path, headers=headers)
    assert response.status_code == 200, f"{sent.path}: {response.status_code}"
