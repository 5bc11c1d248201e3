"""`flask doctor`, and what `flask db` asks of new revisions: a message, and the next number."""

import json
import logging
import re
from functools import wraps
from itertools import chain
from typing import Any

import click
from alembic.util import CommandError
from flask import Blueprint
from flask_migrate.cli import db as db_group

from bookshelf.core.connections import reads_only
from bookshelf.schema import commands, deployment, doctor, lint, revisions, steps, wording
from bookshelf.schema.findings import Finding

schema_cli = Blueprint("schema_cli", __name__, cli_group=None)


@schema_cli.cli.command("doctor")
@click.option("--deploy", is_flag=True, help="Also examine the settings that production needs.")
@click.option("--json", "as_json", is_flag=True, help="Print a list of objects, for programs.")
def examine(deploy: bool, as_json: bool) -> None:
    """Tell how Bookshelf is set up and what is wrong with it; exits 1 on any trouble."""
    reads_only.set(True)
    found: list[Finding] = []
    for finding in chain(doctor.findings(), deployment.findings() if deploy else ()):
        if not as_json:  # each when it is known, as some take seconds
            goes_on = found and found[-1].check == finding.check
            click.echo((finding._replace(check="") if goes_on else finding).line)
        found.append(finding)
    if as_json:
        click.echo(json.dumps([finding.as_json() for finding in found], indent=2))
    if any(finding.trouble for finding in found):
        raise SystemExit(1)


def describe_new_revisions() -> None:
    """Have `revision`, `migrate` and `merge` ask for a message and number what they write."""
    for name in ("revision", "migrate", "merge"):
        for option in db_group.commands[name].params:
            if option.name == "rev_id":
                option.default = revisions.next_number
            elif option.name == "message":
                option.callback = _require_words
            elif option.name == "revisions":
                option.callback = _require_two_heads


def _require_words(context: click.Context, option: click.Parameter, message: str | None) -> str:
    """Refuse a message of which nothing would stand in the name of the file."""
    if not re.search(r"\w", message or ""):
        said = f'flask db {context.info_name} -m "add country to author"'
        raise click.ClickException(f"Say what changes: {said}")
    return str(message)


def _require_two_heads(
    context: click.Context, argument: click.Parameter, names: tuple[str, ...]
) -> tuple[str, ...]:
    """Refuse to merge what is not apart; Alembic would write a revision that joins nothing."""
    heads = revisions.heads_of_code()
    if len(heads) < 2 or (len(set(names)) < 2 and names != ("heads",)):
        said = f"A merge joins two heads or more; the code has {revisions.in_words(heads)}."
        raise click.ClickException(said)
    return names


def look_at_what_is_written() -> None:
    """Have `migrate` lint the revision that it has written, where squawk is installed."""
    write = db_group.commands["migrate"].callback

    @wraps(write)
    def write_and_lint(**options: Any) -> None:
        write(**options)
        # Alembic would announce the SQL that is only looked at.
        logging.getLogger("alembic.runtime.migration").setLevel(logging.WARNING)
        new = [r for r in revisions.read_anew().walk_revisions() if r.revision == options["rev_id"]]
        try:
            for finding in lint.look_at(new) if lint.squawk() else ():
                click.echo(f"Warning: {finding}")
        except CommandError as error:
            click.echo(f"Warning: {error}")

    db_group.commands["migrate"].callback = write_and_lint


def run_one_at_a_time() -> None:
    """Alembic keeps what it runs in global names: two threads would run each other's revisions."""
    for command in db_group.commands.values():
        command.callback = _alone(command.callback)


def _alone(run: Any) -> Any:
    @wraps(run)
    def alone(*arguments: object, **options: object) -> object:
        with steps.ONE_AT_A_TIME:
            return run(*arguments, **options)

    return alone


for command in commands.OURS:
    db_group.add_command(command)
describe_new_revisions()
look_at_what_is_written()
wording.reword()
wording.explain_steps()
run_one_at_a_time()
