"""What `flask db` has beside Flask-Migrate's own commands: the plan, the lint, and backups."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from textwrap import indent

import click
from alembic.util import CommandError
from flask import current_app
from flask.cli import with_appcontext
from sqlalchemy import URL, Connection, make_url
from sqlalchemy.exc import DBAPIError

from bookshelf.core.connections import reads_only
from bookshelf.schema import backups, direct, lint, plan, revisions


@click.command("plan")
@with_appcontext
def show_plan() -> None:
    """Tell what the pending revisions would do: in words, in SQL, to how much, in whose way.

    Nothing is changed, and no lock is taken.
    """
    with _reading() as connection:
        pending = plan.pending(connection)
        stands_at = revisions.heads_of_database(connection)
    if pending:
        click.echo("\n\n".join("\n".join(_told(planned)) for planned in pending))
    else:
        where = revisions.standing_in_words(stands_at)
        click.echo(f"Nothing is pending: the database is at {where}.")


def _told(planned: plan.Planned) -> Iterator[str]:
    yield f"{planned.revision.revision}  {planned.revision.doc}"
    yield from (f"  {does}" for does in planned.does)
    for touched in planned.touches:
        rows = f"{'about ' * touched.estimated}{touched.rows:,} row{'s' * (touched.rows != 1)}"
        lock = f"{touched.lock.name}, which blocks {touched.lock.blocks}"
        yield f"  takes {touched.table} ({rows}): {lock}"
    yield f"  {planned.back}"
    yield from (f"  DESTROYS {lost.name}: {lost.how_much}" for lost in planned.destroys)
    if not planned.destroys:
        yield "  destroys no data"
    yield f"\n{indent(planned.sql or '-- nothing', '    ')}"


@contextmanager
def _reading() -> Iterator[Connection]:
    """A connection on the direct URL, which waits for nobody; what fails is said in one line."""
    token = reads_only.set(True)
    try:
        url = make_url(current_app.config["MIGRATING_URL"])
        with direct.engine_for(url).connect() as connection:
            yield connection
    except CommandError as error:
        raise click.ClickException(str(error)) from error
    except DBAPIError as error:
        raise click.ClickException(direct.in_one_line(error)) from error
    finally:
        reads_only.reset(token)


@click.command("backups")
@with_appcontext
def list_backups() -> None:
    """List the backups that migrations have made, the newest first (SQLite).

    On PostgreSQL use pg_dump and pg_restore, or on Neon a branch.
    """
    kept = backups.kept(_sqlite_url())
    for backup in kept:
        click.echo(_described(backup))
    if not kept:
        click.echo("There is no backup yet; a migration makes one before it changes anything.")


@click.command("restore")
@click.argument("name", required=False)
@click.option("--yes", is_flag=True, help="Do not ask first.")
@with_appcontext
def restore(name: str | None, yes: bool) -> None:
    """Put back the backup of that NAME, else the newest (SQLite).

    What is in the database now is backed up first. Bookshelf may go on serving meanwhile. On
    PostgreSQL use pg_dump and pg_restore, or on Neon a branch.
    """
    url = _sqlite_url()
    backup = _chosen(backups.kept(url), name)
    click.echo(_described(backup))
    if not yes:
        _ask("Put this back? What was saved since will be gone from the pages")
    try:
        replaced = backups.restore(backup, url)
    except CommandError as error:
        raise click.ClickException(str(error)) from error
    click.echo(f"Restored: the database is at {backup.revision}.")
    needed = revisions.in_words(revisions.heads_of_code())
    if backup.revision != needed:
        click.echo(f"The code needs {needed}: run `flask db upgrade`, or the release of then.")
    if replaced:
        click.echo(f"What was there before: flask db restore {replaced.name}")


def _sqlite_url() -> URL:
    url = make_url(current_app.config["MIGRATING_URL"])
    if url.get_backend_name() != "sqlite":
        raise click.ClickException(backups.ON_POSTGRESQL)
    return url


def _described(backup: backups.Backup) -> str:
    moment = f"{backup.made_at:%Y-%m-%d %H:%M:%S} UTC"
    return f"{moment}  at {backup.revision:<6} {backup.size / 1024:>12,.0f} KB  {backup.path.name}"


def _chosen(kept: list[backups.Backup], name: str | None) -> backups.Backup:
    found = [backup for backup in kept if name in (None, backup.path.name)]
    if not found:
        lack = f"There is no backup {name}" if name else "There is no backup yet"
        raise click.ClickException(f"{lack}; `flask db backups` lists those that there are.")
    return found[0]


def _ask(question: str) -> None:
    """End the command unless a person at a terminal says yes."""
    if not _at_a_terminal():
        raise click.ClickException("Nobody is here to ask; run it again with --yes.")
    click.confirm(question, abort=True)


@click.command("lint")
@click.argument("revision_range", metavar="[A:B]", required=False)
@with_appcontext
def show_lint(revision_range: str | None) -> None:
    """Tell what would be risky on a busy PostgreSQL in the revisions after A, up to B.

    Either may be left out, and one number stands for itself alone; without any, all are looked at.
    No database is needed. Exits 1 on any finding. What is right all the same is excepted in the
    revision, with the reason: lint_ok = {"ban-drop-column": "no release reads it any more"}.
    """
    try:
        looked_at = lint.in_range(revision_range)
        findings = lint.look_at(looked_at)
    except CommandError as error:
        raise click.ClickException(str(error)) from error
    for finding in findings:
        click.echo(str(finding))
    if findings:
        raise SystemExit(1)
    click.echo(f"Nothing found in {len(looked_at)} revision{'s' * (len(looked_at) != 1)}.")


def _at_a_terminal() -> bool:
    return sys.stdin.isatty()


OURS = (show_plan, list_backups, restore, show_lint)
