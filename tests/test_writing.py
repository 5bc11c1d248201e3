"""What `flask db migrate` writes: true renames, no accidents, one file for both databases."""

import io
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple

import pytest
from alembic import command
from alembic.config import Config
from alembic.util import CommandError
from conftest import Place, after_head, ask, driver, migrating
from flask import current_app
from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    create_engine,
    false,
    inspect,
    make_url,
    text,
)

from bookshelf.core.db import NAMING_CONVENTION, UtcDateTime, bytewise_string
from bookshelf.schema import runner

NOT_VALID = "SELECT conname FROM pg_constraint WHERE NOT convalidated"
CREATE = "CREATE TABLE shelves (id INTEGER NOT NULL CONSTRAINT pk_shelves PRIMARY KEY{})"


class Desk(NamedTuple):
    """A project over a database whose newest table, `shelves`, is the test's own."""

    config: Config
    versions: Path
    place: Place
    monkeypatch: pytest.MonkeyPatch

    def has(self, columns: str = "") -> None:
        """Make the table in the database, with these columns beside its id."""
        ask(self.place, CREATE.format(columns and f", {columns}"))

    def wants(self, *items: Any) -> None:
        """Make a model with these columns and constraints beside the id the only one."""
        models = MetaData(naming_convention=NAMING_CONVENTION)
        Table("shelves", models, Column("id", Integer, primary_key=True), *items)
        self.monkeypatch.setattr(runner, "db", SimpleNamespace(metadata=models))

    def migrate(self, *answers: str, number: str = "") -> str:
        """Do what `flask db migrate -m x` does; the functions that it wrote, or ""."""
        self.config.cmd_opts = SimpleNamespace(autogenerate=True, x=list(answers))  # type: ignore[assignment]
        number = number or after_head()
        command.revision(self.config, "x", autogenerate=True, rev_id=number)
        file = self.versions / f"{number}_x.py"
        return file.read_text("utf-8").partition("def upgrade")[2] if file.exists() else ""

    def said(self) -> str:
        """What was printed so far."""
        assert isinstance(self.config.stdout, io.StringIO)
        return self.config.stdout.getvalue()

    def agrees(self) -> bool:
        """Whether the database is what the model wants."""
        return self.migrate(number=after_head(2)) == ""


@pytest.fixture(scope="module")
def migrated(create_place: Callable[[str], Place]) -> Callable[[str], Place]:
    """Give a database at the newest revision, one of each kind for all tests here."""
    made: dict[str, Place] = {}

    def give(kind: str) -> Place:
        if kind not in made:
            made[kind] = create_place(kind)
            with migrating(made[kind]) as config:
                command.upgrade(config, "head")
        return made[kind]

    return give


@contextmanager
def desk_at(place: Place, checkout: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    """A desk, whose table and whose revisions are gone afterwards."""
    with migrating(place, checkout) as config:
        config.stdout = io.StringIO()
        yield Desk(config, checkout / "migrations/versions", place, monkeypatch)
        ask(place, "DROP TABLE IF EXISTS shelves")
        ask(place, f"UPDATE alembic_version SET version_num = '{after_head(0)}'")
        for file in (checkout / "migrations/versions").glob("*_x.py"):
            file.unlink()
    assert not current_app


@pytest.fixture(params=["sqlite", "postgresql"])
def desk(
    request: pytest.FixtureRequest,
    migrated: Callable[[str], Place],
    checkout: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Desk]:
    """A desk over each database."""
    with desk_at(migrated(request.param), checkout, monkeypatch) as found:
        yield found


class Terminal(io.StringIO):
    """Somebody who answers questions."""

    def isatty(self) -> bool:
        return True


def test_a_rename_is_asked_for_on_a_terminal_and_keeps_every_value_both_ways(
    desk: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    desk.has("bio TEXT")
    ask(desk.place, "INSERT INTO shelves (id, bio) VALUES (1, 'By the window.')")
    desk.wants(Column("biography", Text))
    desk.monkeypatch.setattr(sys, "stdin", Terminal("y\n"))
    written = desk.migrate()
    assert "Was `bio` renamed to `biography`? [y/N] " in capsys.readouterr().out
    up, _, down = " ".join(written.split()).partition("def downgrade")
    assert " op.alter_column('shelves', 'bio', new_column_name='biography') " in up
    assert " op.alter_column('shelves', 'biography', new_column_name='bio') " in down
    assert "drop_column" not in written

    command.upgrade(desk.config, "head")
    assert ask(desk.place, "SELECT biography FROM shelves") == [("By the window.",)]
    assert desk.agrees()
    command.downgrade(desk.config, "-1")
    assert ask(desk.place, "SELECT bio FROM shelves") == [("By the window.",)]


def test_what_was_not_renamed_is_dropped_and_added(desk: Desk) -> None:
    desk.has("bio TEXT")
    desk.wants(Column("biography", Text))
    desk.monkeypatch.setattr(sys, "stdin", Terminal("\n"))
    assert "drop_column('bio')" in desk.migrate()


def test_a_question_that_is_broken_off_writes_nothing(desk: Desk) -> None:
    desk.has("bio TEXT")
    desk.wants(Column("biography", Text))
    desk.monkeypatch.setattr(sys, "stdin", Terminal(""))
    with pytest.raises(CommandError, match="broken off; nothing was written"):
        desk.migrate()
    assert not list(desk.versions.glob("*_x.py"))


def test_of_several_pairs_none_is_asked_for_that_an_answer_has_ruled_out(
    desk: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    desk.has("a TEXT, b TEXT")
    desk.wants(Column("c", Text), Column("d", Text))
    desk.monkeypatch.setattr(sys, "stdin", Terminal("n\ny\ny\n"))
    written = desk.migrate()
    asked = re.findall(r"Was `(\w)` renamed to `(\w)`", capsys.readouterr().out)
    assert asked == [("a", "c"), ("a", "d"), ("b", "c")]  # b and d are no question: a is d
    assert "drop_column" not in written
    assert written.count("new_column_name") == 4


def test_without_a_terminal_it_says_what_it_found_and_how_to_answer(desk: Desk) -> None:
    desk.has("bio TEXT, size INTEGER")
    desk.wants(Column("biography", String(90)), Column("height", Integer))
    with pytest.raises(CommandError) as stopped:
        desk.migrate()
    said = str(stopped.value)
    assert "Nothing was written" in said
    assert "`bio` is gone, `biography` is new" in said
    for answer in ("shelves.bio:biography", "shelves.size:height", "no"):
        assert f"-x rename={answer}" in said
    assert "bio:height" not in said  # text is no number
    assert not list(desk.versions.glob("*_x.py"))

    with pytest.raises(CommandError, match="size:height"):
        desk.migrate("rename=shelves.bio:biography")
    both = desk.migrate("rename=shelves.bio:biography", "rename=shelves.size:height")
    assert both.count("new_column_name") == 4


def test_the_answer_no_settles_what_no_other_answer_named(desk: Desk) -> None:
    desk.has("bio TEXT, size INTEGER")
    desk.wants(Column("biography", Text), Column("height", Integer))
    written = desk.migrate("rename=no", "rename=shelves.bio:biography")
    assert "alter_column('shelves', 'bio'" in written
    assert "drop_column('size')" in written
    assert "drop_column('bio" not in written


@pytest.mark.parametrize(
    ("answers", "said"),
    [
        (["rename=bio"], "write -x rename=table.old:new, or -x rename=no"),
        (["rename=shelves.bio:title"], "what may have been renamed here: shelves.a:c"),
        (["rename=books.a:c"], "does not fit"),
        (["rename="], "is not known here"),
        (["renmae=shelves.a:c"], "-x renmae=shelves.a:c is not known here"),
        (["allow-data-loss"], "-x allow-data-loss is not known here"),
        (["rename=shelves.a:c", "rename=shelves.a:d"], "part of another rename"),
    ],
)
def test_an_answer_that_does_not_fit_is_explained(
    answers: list[str], said: str, migrated: Any, checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with desk_at(migrated("sqlite"), checkout, monkeypatch) as desk:
        desk.has("a TEXT, b TEXT")
        desk.wants(Column("c", Text), Column("d", Text))
        with pytest.raises(CommandError) as refused:
            desk.migrate(*answers)
        assert said in str(refused.value)
        assert "\n" not in str(refused.value)
        assert not list(desk.versions.glob("*_x.py"))


def test_a_rename_takes_indexes_constraints_and_a_new_length_along(desk: Desk) -> None:
    desk.has("code VARCHAR(9) NOT NULL, bio TEXT, CONSTRAINT uq_shelves_code UNIQUE (code)")
    ask(desk.place, "CREATE INDEX ix_shelves_code ON shelves (code, id)")
    ask(desk.place, "INSERT INTO shelves (id, code) VALUES (1, 'A 7')")
    renamed = Column("label", String(20), nullable=False)
    desk.wants(renamed, Column("bio", Text), UniqueConstraint("label"), Index(None, "label", "id"))
    desk.migrate("rename=shelves.code:label")
    for _ in range(2):
        command.upgrade(desk.config, "head")
        assert ask(desk.place, "SELECT label FROM shelves") == [("A 7",)]
        assert desk.agrees()
        assert "Left alone, as no model names it: index" not in desk.said()
        assert has_unique_names(desk, "label")
        command.downgrade(desk.config, "-1")
        assert ask(desk.place, "SELECT code FROM shelves") == [("A 7",)]
        assert has_unique_names(desk, "code")


def test_a_rename_takes_checks_and_triggers_along_on_sqlite(
    migrated: Any, checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As the table is not built anew; a batch would stop at the check, and drop the trigger."""
    with desk_at(migrated("sqlite"), checkout, monkeypatch) as desk:
        desk.has("size INTEGER, CONSTRAINT ck_shelves_size CHECK (size > 0)")
        ask(desk.place, "CREATE TRIGGER t AFTER INSERT ON shelves BEGIN SELECT NEW.size; END")
        desk.wants(Column("height", Integer), CheckConstraint("height > 0", name="size"))
        desk.migrate("rename=shelves.size:height")
        command.upgrade(desk.config, "head")
        assert desk.agrees()
        assert ("t",) in ask(desk.place, "SELECT name FROM sqlite_master")
        with pytest.raises(Exception, match="ck_shelves_size"):
            ask(desk.place, "INSERT INTO shelves (id, height) VALUES (1, 0)")


def test_a_column_that_postgresql_sorts_by_bytes_is_written_as_sqlite_reads_it(
    migrated: Any, checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with desk_at(migrated("postgresql"), checkout, monkeypatch) as desk:
        desk.has('word VARCHAR(5) COLLATE "C"')
        desk.wants()
        down = desk.migrate().partition("def downgrade")[2]
    five = "sa.String(length=5).with_variant(sa.String(length=5, collation='C'), 'postgresql')"
    assert f"sa.Column('word', {five}, nullable=True)" in down


def has_unique_names(desk: Desk, column: str) -> bool:
    """Whether the table has the constraint and the index on this column, and no others."""
    found = describe(desk.place)
    return found == ({f"uq_shelves_{column}": [column]}, {f"ix_shelves_{column}": [column, "id"]})


def describe(place: Place) -> tuple[dict[Any, list[str]], dict[Any, list[Any]]]:
    """The unique constraints and the plain indexes of the test's table."""

    engine = create_engine(make_url(place.migrating).set(drivername=driver(place.kind)))
    inspector = inspect(engine)
    uniques = {u["name"]: u["column_names"] for u in inspector.get_unique_constraints("shelves")}
    indexes = {
        i["name"]: i["column_names"] for i in inspector.get_indexes("shelves") if not i["unique"]
    }
    engine.dispose()
    return uniques, indexes


def test_a_new_server_default_is_seen(desk: Desk) -> None:
    desk.has("size INTEGER DEFAULT 1, room TEXT")
    desk.wants(
        Column("size", Integer, server_default=text("2")),
        Column("room", Text, server_default=text("'hall'")),
    )
    assert desk.migrate().count("server_default=sa.text") >= 3
    command.upgrade(desk.config, "head")
    assert desk.agrees()


def test_a_default_of_false_is_written_as_both_databases_read_it(desk: Desk) -> None:
    desk.has()
    desk.wants(Column("locked", Boolean, nullable=False, server_default=false()))
    assert "server_default=sa.text('false')" in desk.migrate()
    command.upgrade(desk.config, "head")
    assert desk.agrees()
    desk.wants(Column("locked", Boolean, nullable=False, server_default=text("true")))
    assert not desk.agrees()


def test_a_named_check_is_seen_when_it_comes_and_when_it_goes(desk: Desk) -> None:
    desk.has("size INTEGER")
    desk.wants(Column("size", Integer), CheckConstraint("size > 0", name="size"))
    assert "create_check_constraint('ck_shelves_size'" in desk.migrate().replace(OP_F, "'ck_sh")
    command.upgrade(desk.config, "head")
    with pytest.raises(Exception, match="ck_shelves_size"):
        ask(desk.place, "INSERT INTO shelves (id, size) VALUES (1, 0)")
    assert desk.agrees()
    desk.wants(Column("size", Integer))
    assert "drop_constraint" in desk.migrate(number=after_head(2))


OP_F = "batch_op.f('ck_sh"


def test_a_check_that_is_not_valid_yet_agrees_and_falls_like_another(
    checkout: Path, migrated: Callable[[str], Place], monkeypatch: pytest.MonkeyPatch
) -> None:
    with desk_at(migrated("postgresql"), checkout, monkeypatch) as desk:
        desk.has("floor INTEGER")
        rule = "ALTER TABLE shelves ADD CONSTRAINT ck_shelves_floor CHECK (floor > 0) NOT VALID"
        ask(desk.place, rule)
        desk.wants(Column("floor", Integer), CheckConstraint("floor > 0", name="floor"))
        assert desk.agrees()
        desk.wants(Column("floor", Integer))
        written = desk.migrate()
        assert "drop_constraint(batch_op.f('ck_shelves_floor'), type_='check')" in written
        assert "'floor > 0', postgresql_not_valid=True)" in written.partition("def downgrade")[2]
        command.upgrade(desk.config, "head")
        assert desk.agrees()
        command.downgrade(desk.config, "-1")
        assert ask(desk.place, NOT_VALID) == [("ck_shelves_floor",)]


def test_a_table_and_an_index_that_no_model_names_are_left_alone(desk: Desk) -> None:
    desk.has("size INTEGER")
    desk.wants(Column("size", Integer))
    ask(desk.place, "CREATE INDEX by_hand ON shelves (size)")
    ask(desk.place, "CREATE TABLE guests (id INTEGER PRIMARY KEY)")
    try:
        assert desk.migrate() == ""
    finally:
        ask(desk.place, "DROP TABLE guests")
    said = desk.said()
    assert 'Left alone, as no model names it: table guests; op.drop_table("guests") drops' in said
    assert 'index by_hand on shelves; op.drop_index("by_hand", "shelves") drops it.' in said
    assert "words" not in said  # which are passed over
    assert said.endswith("The models and the database agree: nothing to migrate.\n")


def test_what_a_model_gives_to_one_database_alone_is_left_to_raw_statements(desk: Desk) -> None:
    desk.has("size INTEGER")
    index = Index("ix_shelves_size", "size").ddl_if(dialect="postgresql")
    desk.wants(Column("size", Integer), index)
    assert desk.migrate() == ""


def test_the_same_file_is_written_on_both_databases(
    migrated: Callable[[str], Place], checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = {}
    for kind in ("sqlite", "postgresql"):
        with desk_at(migrated(kind), checkout, monkeypatch) as desk:
            desk.has(HAD)
            ask(desk.place, f"ALTER TABLE shelves ADD COLUMN seen_at {MOMENT[kind]}")
            ask(desk.place, "CREATE UNIQUE INDEX ix_shelves_old ON shelves (old, id)")
            desk.wants(*wanted())
            written[kind] = desk.migrate("rename=shelves.old:new", "rename=no")
            command.upgrade(desk.config, "head")
            assert desk.agrees()
            command.downgrade(desk.config, "-1")
    assert written["sqlite"] == written["postgresql"]
    for part in ("batch_alter_table", "create_index", "drop_constraint", "new_column_name"):
        assert part in written["sqlite"]
    assert "postgresql" not in written["sqlite"].replace(VARIANT, "")


MOMENT = {"sqlite": "TIMESTAMP", "postgresql": "TIMESTAMP WITH TIME ZONE"}
VARIANT = "with_variant(sa.String(collation='C'), 'postgresql')"
HAD = (
    "old VARCHAR(9), a TEXT, b TEXT, c TEXT, size INTEGER, kept VARCHAR(50) DEFAULT 'x', "
    "word VARCHAR(5) DEFAULT 'it''s' NOT NULL, CONSTRAINT uq_shelves_a UNIQUE (a)"
)


def wanted() -> list[Any]:
    return [
        Column("new", String(12)),
        Column("size", Integer, nullable=False, server_default=text("0")),
        Column("kept", String(50)),
        Column("key", bytewise_string(), nullable=False, server_default=text("''")),
        Column("opened_at", UtcDateTime, server_default=text("CURRENT_TIMESTAMP")),
        Column("open", Boolean, server_default=false()),
        Index("ix_shelves_size", "size", "id"),
        Index("ix_shelves_new", "new", "id", unique=True),
        UniqueConstraint("new"),
        CheckConstraint("size >= 0", name="size"),
    ]
