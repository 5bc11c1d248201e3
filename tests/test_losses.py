"""What a migration would destroy is counted first, and nothing happens without consent."""

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import pytest
from alembic import command
from alembic.util import CommandError
from conftest import HEAD, Place, after_head, ask, migrating, plant, run_flask
from sqlalchemy import make_url

AUTHOR = """INSERT INTO authors (name, sort_name, sort_key, country, bio)
    VALUES ('A', 'A', 'a', {country}, 'Wrote.')"""
COUNTRIES = ["'NG'"] * 3 + ["NULL"]


def fill(place: Place) -> None:
    """Add four authors, three of whom have a country."""
    for country in COUNTRIES:
        ask(place, AUTHOR.format(country=country))


def state(place: Place) -> list[tuple[object, ...]]:
    """Where the database stands, and what was typed."""
    query = "SELECT version_num, (SELECT count(country) FROM authors) FROM alembic_version"
    return ask(place, query)


def run(
    place: Place, checkout: Path, up_or_down: str, revision: str, consent: Sequence[str] = ()
) -> None:
    """Migrate with what was consented to."""
    with migrating(place, checkout, x_arg=consent) as config:
        getattr(command, up_or_down)(config, revision)


def refusal(place: Place, checkout: Path, way: str, to: str, *consent: str) -> str:
    """What a refused migration says; nothing may have changed."""
    before = state(place)
    with pytest.raises(CommandError, match="this would destroy data; nothing was changed") as said:
        run(place, checkout, way, to, consent)
    assert state(place) == before
    return str(said.value)


def test_a_downgrade_counts_what_would_go_and_stops_before_anything_ran(
    empty_place: Place, checkout: Path
) -> None:
    """Earlier revisions of the run would have committed by then: the people, and the catalogue."""
    run(empty_place, checkout, "upgrade", HEAD)
    fill(empty_place)
    said = refusal(empty_place, checkout, "downgrade", "0001").splitlines()
    assert "    authors.country                3 values" in said
    assert "    authors.sort_name              4 values" in said
    assert not [line for line in said if "books" in line or "users" in line]  # nothing is there
    assert "-x allow-data-loss=all" in said[-1]
    assert ("pg_dump" in said[-1]) == (empty_place.kind == "postgresql")


def test_tables_are_counted_by_their_rows(empty_place: Place, checkout: Path) -> None:
    run(empty_place, checkout, "upgrade", HEAD)
    fill(empty_place)
    said = refusal(empty_place, checkout, "downgrade", "base")
    assert "    authors                        4 rows" in said.splitlines()


@pytest.mark.parametrize("by_name", [True, False])
def test_consent_may_be_given_by_name_or_to_all(
    by_name: bool, empty_place: Place, checkout: Path
) -> None:
    plant(checkout, after_head(), HEAD, "pass", 'op.drop_column("authors", "bio")')
    run(empty_place, checkout, "upgrade", "head")
    fill(empty_place)
    other = refusal(empty_place, checkout, "downgrade", HEAD, "allow-data-loss=authors.country")
    assert "    authors.bio                    4 values" in other.splitlines()
    consent = "allow-data-loss=authors.bio" if by_name else "allow-data-loss=all"
    run(empty_place, checkout, "downgrade", HEAD, ["allow-data-loss=books", consent])
    assert state(empty_place) == [(HEAD, 3)]


def test_what_holds_nothing_may_go(empty_place: Place, checkout: Path) -> None:
    run(empty_place, checkout, "upgrade", HEAD)
    run(empty_place, checkout, "downgrade", "base")


DROPS = """with op.batch_alter_table("authors") as batch:
        batch.alter_column("bio", new_column_name="life")
    with op.batch_alter_table("authors") as batch:
        batch.drop_column("life")"""


def test_an_upgrade_needs_consent_too_also_for_what_it_renames_first(
    empty_place: Place, checkout: Path
) -> None:
    plant(checkout, after_head(), HEAD, DROPS)
    run(empty_place, checkout, "upgrade", HEAD)
    fill(empty_place)
    said = refusal(empty_place, checkout, "upgrade", "head")
    assert "    authors.bio                    4 values" in said.splitlines()


def test_the_consent_of_an_upgrade_stands_in_its_revision(
    empty_place: Place, checkout: Path
) -> None:
    plant(checkout, after_head(), HEAD, 'op.drop_column("authors", "bio")')
    file = checkout / f"migrations/versions/{after_head()}_planted.py"
    file.write_text(file.read_text() + '\ndata_loss_ok = ["authors.bio"]\n')
    run(empty_place, checkout, "upgrade", HEAD)
    fill(empty_place)
    run(empty_place, checkout, "upgrade", "head")
    assert state(empty_place) == [(after_head(), 3)]


def test_a_column_that_the_run_itself_adds_is_no_loss(empty_place: Place, checkout: Path) -> None:
    plant(checkout, after_head(), HEAD, 'op.add_column("authors", sa.Column("x", sa.Integer()))')
    plant(checkout, after_head(2), after_head(), 'op.drop_column("authors", "x")')
    run(empty_place, checkout, "upgrade", HEAD)
    fill(empty_place)
    run(empty_place, checkout, "upgrade", "head")
    assert state(empty_place) == [(after_head(2), 3)]


def test_on_the_command_line_it_is_told_and_consented_to(
    empty_place: Place, checkout: Path
) -> None:
    run_flask(checkout, empty_place, "db upgrade")
    fill(empty_place)
    said = run_flask(checkout, empty_place, "db downgrade 0004", status=0)
    assert "Running downgrade 0005 -> 0004" in said
    said = run_flask(checkout, empty_place, "db downgrade 0001", status=1)
    assert "Error: this would destroy data; nothing was changed:" in said
    run_flask(checkout, empty_place, "db downgrade -x allow-data-loss=all 0001")
    assert ask(empty_place, "SELECT count(*) FROM authors") == [(4,)]


def test_every_run_that_changes_a_file_copies_it_first(sqlite_place: Place, checkout: Path) -> None:
    run(sqlite_place, checkout, "upgrade", HEAD)
    fill(sqlite_place)
    folder = Path(str(make_url(sqlite_place.migrating).database)).parent / "backups"
    assert not folder.exists() or not list(folder.glob("*.db"))  # there was nothing to copy
    run(sqlite_place, checkout, "upgrade", HEAD)
    assert not list(folder.glob("*.db"))  # nothing was changed
    run(sqlite_place, checkout, "downgrade", "0001", ["allow-data-loss=all"])
    (made,) = folder.glob("*.db")
    with closing(sqlite3.connect(made)) as copy:
        assert copy.execute("SELECT count(country) FROM authors").fetchone() == (3,)
