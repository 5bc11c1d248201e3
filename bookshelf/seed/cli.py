"""`flask seed`."""

import click
from flask import Blueprint, current_app

from bookshelf.authors import queries as authors
from bookshelf.core.db import db
from bookshelf.schema.guard import saying_what_fails
from bookshelf.seed import services

seed = Blueprint("seed", __name__, cli_group=None)


@seed.cli.command("seed")
@click.option(
    "--first-run", is_flag=True, help="Only fill the default SQLite file, and only an empty one."
)
def fill(first_run: bool) -> None:
    """Add a small catalogue: what is missing of it is added, what is there stays as it is."""
    with saying_what_fails():
        if first_run and (not current_app.config["DEFAULT_DATABASE"] or authors.total()):
            return
        added = services.add_missing()
        db.session.commit()
    click.echo(f"Added {added.authors} authors and {added.books} books.")
