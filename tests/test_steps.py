"""What revisions would do is found out by playing them, and nothing happens."""

from pathlib import Path

import pytest
from alembic import command, context
from alembic.operations import ops
from alembic.runtime.environment import EnvironmentContext
from alembic.util import CommandError
from conftest import HEAD, Place, after_head, ask, migrating, plant
from flask import current_app
from sqlalchemy import make_url

from bookshelf.core.connections import reads_only
from bookshelf.schema import direct, revisions, steps
from bookshelf.schema.steps import Move, Step


def ahead() -> list[Step]:
    """What the pending revisions would do to the database that migrates."""
    url = make_url(current_app.config["MIGRATING_URL"])
    token = reads_only.set(True)
    try:
        with direct.engine_for(url).connect() as connection:
            lacking = revisions.lacking(revisions.heads_of_database(connection), revisions.script())
            moves = [Move(revision, is_upgrade=True) for revision in lacking]
            return steps.look_ahead(moves, connection)
    finally:
        reads_only.reset(token)


def kinds(step: Step) -> list[type[ops.MigrateOperation]]:
    """The kinds of the operations of a step."""
    return [type(operation) for operation in step.operations]


def test_the_whole_history_can_be_looked_at_before_it_runs(empty_place: Place) -> None:
    with migrating(empty_place) as config:
        found = ahead()
        assert found[0].revision.revision == "0001"
        assert found[-1].revision.revision == HEAD
        assert kinds(found[0]) == [ops.CreateTableOp, ops.CreateTableOp]
        assert kinds(found[1]) == [ops.AddColumnOp]
        assert "CREATE TABLE authors" in found[0].sql
        assert "books" not in found[1].sql
        command.upgrade(config, "head")
        assert ahead() == []
        with direct.engine_for(make_url(config_url())).connect() as connection:
            back = [Move(step.revision, is_upgrade=False) for step in reversed(found)]
            assert kinds(steps.look_ahead(back, connection)[-1]) == [ops.DropTableOp] * 2
    assert ask(empty_place, "SELECT version_num FROM alembic_version") == [(HEAD,)]


def config_url() -> str:
    """The URL that migrates."""
    return str(current_app.config["MIGRATING_URL"])


BATCH = """with op.batch_alter_table("authors") as batch:
        batch.alter_column("bio", new_column_name="biography")
        batch.drop_column("version")
    op.execute("UPDATE authors SET biography = ''")"""


def test_what_stands_in_a_batch_is_told_one_by_one(checkout: Path, empty_place: Place) -> None:
    plant(checkout, after_head(), HEAD, BATCH)
    with migrating(empty_place, checkout) as config:
        command.upgrade(config, HEAD)
        (step,) = ahead()
    assert kinds(step) == [ops.AlterColumnOp, ops.DropColumnOp, ops.ExecuteSQLOp]
    assert "UPDATE authors SET biography" in step.sql
    assert "version" in {c for (c,) in ask(empty_place, columns_of(empty_place))}


def columns_of(place: Place) -> str:
    """The query for the columns of authors."""
    if place.kind == "sqlite":
        return "SELECT name FROM pragma_table_info('authors')"
    return "SELECT column_name FROM information_schema.columns WHERE table_name = 'authors'"


def test_a_revision_that_needs_its_rows_says_so(checkout: Path, server_place: Place) -> None:
    plant(checkout, after_head(), HEAD, 'op.get_bind().execute(sa.text("SELECT 1")).all()')
    with migrating(server_place, checkout) as config:
        command.upgrade(config, HEAD)
        with pytest.raises(CommandError, match=f"what {after_head()} would do") as unknown:
            ahead()
    assert "\n" not in str(unknown.value)


def test_looking_ahead_from_inside_a_migration_leaves_it_its_context(
    checkout: Path, empty_place: Place
) -> None:
    with migrating(empty_place, checkout) as config:
        known = []

        def look(heads: object, migration: object) -> list[object]:
            outer = context.config
            known.append(len(ahead()))
            assert context.config is outer
            return []

        script = revisions.script()
        with EnvironmentContext(config, script, fn=look):
            script.run_env()
    assert known == [len(list(script.walk_revisions()))]
