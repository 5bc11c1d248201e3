"""`flask seed`."""

import sys

import click
from flask import Blueprint, current_app

from bookshelf.authors import queries as authors
from bookshelf.core.db import db
from bookshelf.schema.guard import saying_what_fails
from bookshelf.seed import bulk, services

seed = Blueprint("seed", __name__, cli_group=None)

MOST_AUTHORS, MOST_BOOKS_EACH = 10_000_000, 50


@seed.cli.command("seed")
@click.option(
    "--first-run", is_flag=True, help="Only fill the default SQLite file, and only an empty one."
)
@click.option(
    "--random",
    "count",
    metavar="AUTHORS",
    type=click.IntRange(1, MOST_AUTHORS),
    help="Instead of the small catalogue, fill an empty database with so many made-up authors.",
)
@click.option(
    "--books-per-author",
    type=click.IntRange(0, MOST_BOOKS_EACH),
    default=10,
    show_default=True,
    help="With --random: how many books these have on average; a few have very many.",
)
@click.option(
    "--random-seed",
    type=int,
    default=1,
    show_default=True,
    help="With --random: the same number makes the same rows, on PostgreSQL and on SQLite.",
)
@click.option(
    "--force", is_flag=True, help="With --random: in production and beside what is there, too."
)
def fill(
    first_run: bool, count: int | None, books_per_author: int, random_seed: int, force: bool
) -> None:
    """Add a small catalogue: what is missing of it is added, what is there stays as it is.

    With --random it is a large one, for measuring: --random 1000 --books-per-author 10 makes 1,000
    authors and 10,000 books.
    """
    if first_run and count:
        raise click.UsageError("--first-run adds the small catalogue: leave out --random.")
    with saying_what_fails():
        if count:
            _fill_at_random(count, count * books_per_author, random_seed, force)
        elif not first_run or (
            current_app.config["DEFAULT_DATABASE"] and not authors.total().number
        ):
            added = services.add_missing()
            db.session.commit()
            click.echo(f"Added {added.authors} authors and {added.books} books.")


def _fill_at_random(count: int, books: int, random_seed: int, force: bool) -> None:
    if not force:
        _refuse_where_people_work()
    what = f"{count:,} authors and {books:,} books"
    label, hidden = f"Adding {what}", not sys.stderr.isatty()
    with click.progressbar(
        length=count + books, label=label, hidden=hidden, file=sys.stderr, update_min_steps=10_000
    ) as bar:
        bulk.add_random(authors=count, books=books, seed=random_seed, advance=bar.update)
    db.session.commit()
    click.echo(f"Added {what}.")


def _refuse_where_people_work() -> None:
    if current_app.config["BOOKSHELF_ENV"] == "production":
        raise click.ClickException(
            "This is production. To fill its database with made-up books all the same: --force"
        )
    if not bulk.is_empty_shelf():
        raise click.ClickException(
            "There are authors here already. Name an empty database in DATABASE_URL,"
            " or add the made-up ones to them: --force"
        )
