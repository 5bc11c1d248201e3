"""`flask doctor`, and the numbers that new revisions get from `flask db`."""

import click
from flask import Blueprint
from flask_migrate.cli import db as db_group

from bookshelf.core.db import reads_only
from bookshelf.schema import doctor, revisions

schema = Blueprint("schema", __name__, cli_group=None)


@schema.cli.command("doctor")
def examine() -> None:
    """Tell how Bookshelf is set up and what is wrong with it; exits 1 on any trouble."""
    troubled = False
    reads_only.set(True)
    for finding in doctor.findings():
        click.echo(finding.line)
        troubled |= finding.trouble
    if troubled:
        raise SystemExit(1)


def number_new_revisions() -> None:
    """Give `revision`, `migrate` and `merge` the next number where no --rev-id is given."""
    for name in ("revision", "migrate", "merge"):
        for option in db_group.commands[name].params:
            if option.name == "rev_id":
                option.default = revisions.next_number


number_new_revisions()
