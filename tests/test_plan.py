"""What `flask db plan` tells of revisions before they run, held against what they then do."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.migration import MigrationContext
from alembic.operations import MigrateOperation, Operations, ops
from alembic.script import ScriptDirectory
from conftest import HEAD, Place, after_head, ask, driver, migrating, plant
from flask import current_app
from sqlalchemy import NullPool, create_engine, make_url, text

from bookshelf.schema import effects, plan, words
from bookshelf.schema.operations import CreateIndexConcurrentlyOp, DropIndexConcurrentlyOp

ADDED = ops.AddColumnOp("books", sa.Column("pages", sa.Integer()))
WIDENED = ops.AlterColumnOp(
    "books", "title", existing_type=sa.String(1000), modify_type=sa.String(2000)
)
FORBIDDEN = ops.AlterColumnOp("books", "year", modify_nullable=False, modify_server_default="0")
RENAMED = ops.AlterColumnOp("authors", "bio", modify_name="biography")
KEY = ops.CreateForeignKeyOp("fk_x", "books", "authors", ["year"], ["id"])

SAID: list[tuple[MigrateOperation, str]] = [
    (ADDED, "adds books.pages"),
    (WIDENED, "makes books.title longer: 1000 → 2000"),
    (
        ops.AlterColumnOp("a", "b", existing_type=sa.String(9), modify_type=sa.String(3)),
        "makes a.b shorter: 9 → 3",
    ),
    (
        ops.AlterColumnOp("a", "b", existing_type=sa.Integer(), modify_type=sa.Text()),
        "changes the type of a.b from INTEGER to TEXT",
    ),
    (
        FORBIDDEN,
        "forbids an empty books.year, changes the default of books.year",
    ),
    (
        ops.AlterColumnOp("a", "b", modify_nullable=True, modify_server_default=None),
        "allows an empty a.b, removes the default of a.b",
    ),
    (RENAMED, "renames authors.bio to authors.biography"),
    (ops.AlterColumnOp("a", "b", modify_comment="x"), "changes a.b"),
    (ops.DropColumnOp("books", "year"), "drops books.year"),
    (ops.CreateTableOp("x", [sa.Column("id"), sa.Column("n")]), "creates the table x (id, n)"),
    (ops.DropTableOp("x"), "drops the table x"),
    (ops.RenameTableOp("x", "y"), "renames the table x to y"),
    (ops.CreateIndexOp("ix", "books", ["year", "id"]), "adds the index ix on books (year, id)"),
    (
        ops.CreateIndexOp("ix", "a", [text("lower(b)")], unique=True),
        "adds the unique index ix on a (lower(b))",
    ),
    (
        CreateIndexConcurrentlyOp("ix", "books", ["year"], {}),
        "adds the index ix on books (year) while people write",
    ),
    (ops.DropIndexOp("ix", "books"), "drops the index ix"),
    (DropIndexConcurrentlyOp("ix", "books"), "drops the index ix while people write"),
    (ops.CreatePrimaryKeyOp("pk", "a", ["b"]), "makes b the primary key of a"),
    (
        ops.CreateUniqueConstraintOp("uq", "a", ["b", "c"]),
        "forbids the same b, c twice in a",
    ),
    (KEY, "has books.year refer to authors.id"),
    (ops.CreateCheckConstraintOp("ck", "a", "b > 0"), "checks ck in a: b > 0"),
    (ops.DropConstraintOp("fk", "a", type_="foreignkey"), "drops the foreign key fk of a"),
    (ops.ExecuteSQLOp("UPDATE  a\nSET b = 1"), "runs SQL of its own: UPDATE a SET b = 1"),
    (
        ops.BulkInsertOp(sa.table("a"), [{}] * 2),
        "adds 2 rows to a",
    ),
    (ops.CreateTableCommentOp("a", "x"), "runs CreateTableComment"),
]


@pytest.mark.parametrize(("operation", "said"), SAID, ids=[said for _, said in SAID])
def test_an_operation_is_said_in_words(operation: MigrateOperation, said: str) -> None:
    assert words.in_words(operation) == said


# Each is run on PostgreSQL, which tells what it locked.
LOCKING: list[MigrateOperation] = [
    ADDED,
    WIDENED,
    FORBIDDEN,
    ops.DropColumnOp("books", "year"),
    ops.RenameTableOp("books", "volumes"),
    ops.DropTableOp("books"),
    ops.CreateIndexOp("ix_x", "books", ["year"]),
    ops.DropIndexOp("ix_books_language", "books"),
    ops.CreateUniqueConstraintOp("uq_x", "books", ["year", "id"]),
    KEY,
    ops.CreateCheckConstraintOp("ck_x", "books", sa.column("year") > 0),
    ops.DropConstraintOp("uq_books_isbn", "books", type_="unique"),
    ops.CreateTableOp("x", [sa.Column("id", sa.Integer(), sa.ForeignKey("books.id"))]),
    *(
        ops.ExecuteSQLOp(sql)
        for sql in (
            "UPDATE books SET year = 1",
            "DELETE FROM books",
            "INSERT INTO books SELECT * FROM books",
            "SELECT 1",
            "CREATE UNIQUE INDEX ix_x ON books (year)",
            "ALTER TABLE books ADD CONSTRAINT ck_x CHECK (year > 0) NOT VALID",
            "ALTER TABLE books VALIDATE CONSTRAINT fk_books_author_id_authors",
            "ALTER TABLE books ADD FOREIGN KEY (year) REFERENCES authors (id) NOT VALID",
            "TRUNCATE TABLE books",
            "ANALYZE books",
            "CREATE TRIGGER t BEFORE UPDATE ON books FOR EACH ROW EXECUTE FUNCTION "
            "suppress_redundant_updates_trigger()",
        )
    ),
]
HELD = text(
    "SELECT replace(upper(regexp_replace(mode, '([a-z])([A-Z])', '\\1 \\2', 'g')), ' LOCK', '')"
    " FROM pg_locks WHERE relation = :books AND pid = pg_backend_pid()"
)
BY_NAME = {lock.name: lock for lock in vars(effects).values() if isinstance(lock, effects.Lock)}


@pytest.mark.parametrize("place", ["postgresql"], indirect=True)
def test_the_lock_that_is_told_is_the_one_that_is_taken(place: Place) -> None:
    """`ACCESS SHARE`, which every reader has, is not worth a word."""
    engine = create_engine(make_url(place.migrating).set(drivername=driver(place.kind)))
    with engine.connect() as connection:
        books = connection.scalar(text("SELECT 'books'::regclass::oid"))
        connection.rollback()
        for operation in LOCKING:
            Operations(MigrationContext.configure(connection)).invoke(operation)
            held = {BY_NAME.get(name) for name in connection.scalars(HELD, {"books": books})}
            connection.rollback()
            told: set[effects.Lock | None] = {
                lock for table, lock in effects.locks(operation) if table == "books"
            }
            assert strongest(told) == strongest(held), words.in_words(operation)
    engine.dispose()


def strongest(locks: set[effects.Lock | None]) -> effects.Lock | None:
    """The lock for which the most others wait."""
    return max((lock for lock in locks if lock), default=None)


def test_a_lock_that_cannot_be_seen_in_a_transaction_is_told_too() -> None:
    for operation in (
        CreateIndexConcurrentlyOp("ix", "books", ["year"], {}),
        DropIndexConcurrentlyOp("ix", "books"),
        ops.CreateIndexOp("ix", "books", ["year"], postgresql_concurrently=True),
        ops.ExecuteSQLOp("CREATE INDEX CONCURRENTLY ix ON books (year)"),
    ):
        assert list(effects.locks(operation)) == [("books", effects.SHARE_UPDATE_EXCLUSIVE)]
    filling = ops.BulkInsertOp(sa.table("books"), [{}])
    assert list(effects.locks(filling)) == [("books", effects.ROW_EXCLUSIVE)]


PLANTED = """op.drop_index("ix_books_publisher", "books")
    op.drop_column("books", "publisher")
    op.create_index_concurrently("ix_planted", "books", ["version"])
    op.create_table("awards", sa.Column("id", sa.Integer(), primary_key=True))
    op.execute("UPDATE authors SET bio = NULL WHERE bio = ''")"""


def fill(place: Place) -> None:
    """An author with two books, one of which has a publisher."""
    ask(place, "INSERT INTO authors (name, sort_name, sort_key) VALUES ('A', 'A', 'a')")
    for publisher in ("'Faber'", "NULL"):
        ask(
            place,
            "INSERT INTO books (title, sort_key, author_id, publisher)"
            f" VALUES ('B', 'b', 1, {publisher})",
        )


def everything(place: Place) -> list[Any]:
    """What a plan must leave as it is."""
    queries = ["SELECT * FROM books", "SELECT * FROM authors", "SELECT * FROM alembic_version"]
    return [ask(place, query) for query in queries]


def test_a_plan_tells_all_of_a_revision_and_changes_nothing(
    checkout: Path, empty_place: Place
) -> None:
    plant(checkout, after_head(), HEAD, PLANTED, "raise NotImplementedError")
    with migrating(empty_place) as config:
        command.upgrade(config, "head")
    fill(empty_place)
    before = everything(empty_place)
    said = told(empty_place, checkout)
    assert everything(empty_place) == before
    lines = said.split("\n\n")[0].splitlines()
    locks = {
        "sqlite": ["the one write lock, which blocks writing in every table"] * 2,
        "postgresql": [
            "ACCESS EXCLUSIVE, which blocks reading and writing",
            "ROW EXCLUSIVE, which blocks nothing but writing the same rows",
        ],
    }[empty_place.kind]
    assert lines[1:] == [
        "  drops the index ix_books_publisher",
        "  drops books.publisher",
        "  adds the index ix_planted on books (version) while people write",
        "  creates the table awards (id)",
        "  runs SQL of its own: UPDATE authors SET bio = NULL WHERE bio = ''",
        f"  takes books (2 rows): {locks[0]}",
        f"  takes authors (1 row): {locks[1]}",
        "  cannot be reversed: its downgrade refuses",
        "  DESTROYS books.publisher: 1 value",
    ]
    assert lines[0].startswith(after_head())
    assert "    ALTER TABLE books DROP COLUMN publisher;" in said
    assert "CREATE TABLE awards" in said


def test_a_plan_of_the_whole_history_names_each_revision(empty_place: Place) -> None:
    said = planned(empty_place)
    assert [found.revision.revision for found in said][::4] == ["0001", "0005", "0009"]
    assert said[0].does[0] == "creates the table authors (id, name, bio, created_at)"
    assert all(found.touches == [] and found.destroys == [] for found in said)
    assert said[3].back == "going back undoes nothing: its downgrade is empty"
    assert said[1].back == "can be reversed"


def planned(place: Place, folder: Path | None = None) -> list[plan.Planned]:
    """What would run in a place."""
    engine = create_engine(
        make_url(place.migrating).set(drivername=driver(place.kind)), poolclass=NullPool
    )
    with migrating(place, folder), engine.connect() as connection:
        return plan.pending(connection)


def told(place: Place, folder: Path | None = None, status: int = 0) -> str:
    """What the command prints; what goes wrong, without the log above it."""
    with migrating(place, folder):
        result = current_app.test_cli_runner().invoke(args=["db", "plan"])
    assert result.exit_code == status, result.output
    return result.stderr.splitlines()[-1] if status else result.stdout


def test_what_goes_under_a_new_name_is_counted_and_what_is_agreed_is_told(
    create_place: Callable[[str], Place], checkout: Path
) -> None:
    place = create_place("sqlite")
    with migrating(place) as config:
        command.upgrade(config, "head")
    fill(place)
    renames = """with op.batch_alter_table("books") as books:
        books.alter_column("publisher", new_column_name="house")"""
    plant(checkout, after_head(), HEAD, renames)
    drops = """op.drop_index("ix_books_publisher", "books")
    op.drop_column("books", "house")"""
    plant(checkout, after_head(2), after_head(), drops)
    file = checkout / f"migrations/versions/{after_head(2)}_planted.py"
    file.write_text(file.read_text() + 'data_loss_ok = ["books.house"]\n')
    first, second = planned(place, checkout)
    assert first.destroys == []
    assert [(lost.name, lost.how_much) for lost in second.destroys] == [
        ("books.publisher", "1 value")
    ]


def test_a_large_table_is_estimated(
    create_place: Callable[[str], Place], checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = create_place("postgresql")
    with migrating(place) as config:
        command.upgrade(config, "head")
    fill(place)
    ask(place, "ANALYZE books")
    ask(place, "INSERT INTO authors (name, sort_name, sort_key) VALUES ('B', 'B', 'b')")
    plant(checkout, after_head(), HEAD, PLANTED)
    monkeypatch.setattr(plan, "SMALL", 0)
    (found,) = planned(place, checkout)
    assert [touched[:3] for touched in found.touches] == [
        ("books", 2, True),
        ("authors", 2, False),  # of which there are no statistics from since it was empty
    ]
    assert "takes books (about 2 rows): ACCESS EXCLUSIVE" in told(place, checkout)


def test_nothing_pending_is_said(empty_place: Place) -> None:
    with migrating(empty_place) as config:
        command.upgrade(config, "head")
    assert told(empty_place) == f"Nothing is pending: the database is at {HEAD}.\n"
    ask(empty_place, "UPDATE alembic_version SET version_num = '0999'")
    newer = f"0999, newer than this code knows ({HEAD})"
    assert told(empty_place) == f"Nothing is pending: the database is at {newer}.\n"


def test_a_revision_that_cannot_be_played_is_said_in_one_line(
    create_place: Callable[[str], Place], checkout: Path
) -> None:
    plant(checkout, after_head(), HEAD, 'op.execute("SELECT gone")')
    said = told(create_place("sqlite"), checkout, status=1)
    assert said.startswith(f"Error: what {after_head()} would do cannot be found out")


@pytest.mark.parametrize(
    ("code", "back"),
    [
        ("def downgrade():\n    op.drop_table('x')", "can be reversed"),
        ('def downgrade():\n    """Nothing."""\n    pass', "going back undoes nothing: "),
        ("def downgrade():\n    raise ValueError", "cannot be reversed: its downgrade refuses"),
        ("", "cannot be reversed: it has no downgrade"),
    ],
)
def test_the_way_back_is_read_from_the_file(code: str, back: str, tmp_path: Path) -> None:
    (tmp_path / "versions").mkdir()
    (tmp_path / "versions/1.py").write_text(f"revision, down_revision = '1', None\n{code}\n")
    directory = ScriptDirectory(str(tmp_path))
    assert plan.way_back(directory.get_revision("1")).startswith(back)
