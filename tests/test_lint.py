"""What `flask db lint` finds in revisions, where, and what keeps it quiet."""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic import command
from alembic.util import CommandError
from click.testing import Result
from conftest import HEAD, Place, after_head, ask, migrating, plant, run_flask
from flask import current_app

from bookshelf.schema import lint, revisions, rules

# Nothing answers there: the lint needs no database.
NOWHERE = "postgresql://ann:secret@127.0.0.1:1/nowhere"
FIRST_LINE = 6  # of what a planted revision does


@pytest.fixture
def shelf(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A copy of the project, in the context of its app, in which revisions can be planted."""
    monkeypatch.chdir(checkout)
    with migrating(Place("postgresql", NOWHERE, NOWHERE), checkout):
        yield checkout


def run(words: str) -> Result:
    """What a command of `flask` prints and how it ends."""
    return current_app.test_cli_runner().invoke(args=words.split())


# One of each kind that would stop a busy shelf, by what is found in it.
RISKY = {
    "adding-required-field": 'op.add_column("books", sa.Column("a", sa.Text(), nullable=False))',
    "adding-not-nullable-field": 'op.alter_column("books", "year", nullable=False)',
    "adding-field-with-default": (
        'op.add_column("books", sa.Column("a", sa.Uuid(), '
        'server_default=sa.text("gen_random_uuid()")))'
    ),
    "require-concurrent-index-creation": 'op.create_index("ix_a", "books", ["year"])',
    "require-concurrent-index-deletion": 'op.drop_index("ix_books_sort_key_author_key")',
    "changing-column-type": 'op.alter_column("books", "year", type_=sa.BigInteger())',
    "ban-drop-column": """with op.batch_alter_table("books") as books:
        books.drop_column("year")""",
    "ban-drop-table": 'op.execute("DROP TABLE books")',
    "ban-drop-type": 'op.execute("drop type if exists mood cascade")',
    "renaming-column": 'op.alter_column("books", "year", new_column_name="published")',
    "renaming-table": 'op.rename_table("books", "volumes")',
    "constraint-missing-not-valid": 'op.create_check_constraint("ck", "books", "year > 0")',
    "adding-foreign-key-constraint": (
        'op.create_foreign_key("fk", "books", "authors", ["year"], ["id"])'
    ),
    "disallowed-unique-constraint": 'op.create_unique_constraint("uq", "books", ["title"])',
    "ban-concurrent-index-creation-in-transaction": (
        'op.execute("CREATE INDEX CONCURRENTLY ix ON books (year)")'
    ),
}
HARMLESS = [
    'op.add_column("books", sa.Column("pages", sa.Integer(), nullable=True))',
    'op.create_index_concurrently("ix_pages", "books", ["pages"])',
    """op.create_table("shelves", sa.Column("id", sa.Integer(), primary_key=True))
    op.create_index("ix_shelves", "shelves", ["id"])
    op.create_check_constraint("ck", "books", "pages > 0", postgresql_not_valid=True)""",
    'op.execute("UPDATE books SET pages = 1 WHERE id < 1000")',
    """if op.get_context().as_sql:
        return
    op.get_bind().execute(sa.text("SELECT 1")).all()""",
]


def test_each_risk_is_found_at_its_line_and_nothing_in_what_is_harmless(shelf: Path) -> None:
    below = HEAD
    for steps, code in enumerate([*RISKY.values(), *HARMLESS], 1):
        plant(shelf, after_head(steps), below, code)
        below = after_head(steps)
    expected = [(after_head(steps), FIRST_LINE, rule) for steps, rule in enumerate(RISKY, 1)]
    found = lint.look_at(lint.in_range(f"{HEAD}:"))
    assert [(one.path.name[:4], one.line, one.rule) for one in found] == expected
    assert all(finding.remedy for finding in found)


def test_the_line_is_that_of_the_call_also_in_a_function_beside_it(shelf: Path) -> None:
    code = """first()
    op.execute(
        "DROP TABLE books"
    )
def first():
    op.execute("SELECT 1")
    op.drop_table("authors")"""
    plant(shelf, after_head(), HEAD, code)
    found = lint.look_at(lint.in_range(after_head()))
    assert [(finding.line, finding.rule) for finding in found] == [
        (12, "ban-drop-table"),
        (7, "ban-drop-table"),
    ]


def test_it_prints_file_line_rule_and_the_safe_way_and_exits_1(shelf: Path) -> None:
    plant(shelf, after_head(), HEAD, 'op.drop_column("books", "year")')
    printed = run("db lint")
    assert printed.exit_code == 1
    assert printed.output == (
        f"migrations/versions/{after_head()}_planted.py:6 ban-drop-column: Dropping a column may "
        f"break existing clients; {rules.LATER}\n"
    )


def test_every_revision_that_has_landed_is_clean_or_excepted_with_a_reason(shelf: Path) -> None:
    every = list(revisions.read_anew().walk_revisions())
    assert run("db lint").output == f"Nothing found in {len(every)} revisions.\n"
    assert all(reason for excepted in rules.LANDED.values() for reason in excepted.values())
    assert set(rules.LANDED) <= {"0003"}  # a newer one excepts what it must by itself


def excepting(shelf: Path, exceptions: str) -> list[tuple[int, str, str]]:
    """What is found in a revision that drops a column and says this of its exceptions."""
    plant(shelf, after_head(), HEAD, 'op.drop_column("books", "year")')
    file = shelf / f"migrations/versions/{after_head()}_planted.py"
    file.write_text(f"{exceptions}\n{file.read_text('utf-8')}")
    found = lint.look_at(lint.in_range(after_head()))
    return [(finding.line, finding.rule, finding.message) for finding in found]


def test_an_exception_with_its_reason_keeps_it_quiet(shelf: Path) -> None:
    assert excepting(shelf, 'lint_ok = {"ban-drop-column": "no release reads it"}') == []


@pytest.mark.parametrize("reason", ['""', '"  "', "None"])
def test_an_exception_without_a_reason_is_a_fault(reason: str, shelf: Path) -> None:
    found = excepting(shelf, f'lint_ok = {{"ban-drop-column": {reason}}}')
    assert found == [(1, "ban-drop-column", "An exception needs its reason")]


def test_an_exception_that_is_not_needed_is_a_fault(shelf: Path) -> None:
    said = 'lint_ok = {"ban-drop-column": "unread", "ban-drop-table": "unread"}'
    assert excepting(shelf, said) == [(1, "ban-drop-table", "This exception is not needed")]


def test_exceptions_in_another_form_are_a_fault_and_except_nothing(shelf: Path) -> None:
    found = excepting(shelf, 'lint_ok = ["ban-drop-column"]')
    assert [rule for _, rule, _ in found] == ["ban-drop-column", "lint_ok"]


@pytest.mark.parametrize(
    ("named", "looked_at"),
    [
        (None, 5),
        (":", 5),
        ("0002:0004", 2),
        ("0003:", 2),
        (":0002", 2),
        ("0003", 1),
        ("head", 1),
    ],
)
def test_a_range_is_what_comes_after_its_first_up_to_its_last(
    named: str | None, looked_at: int, shelf: Path
) -> None:
    newer = int(HEAD) - 5 if named in (None, ":", "0003:") else 0
    numbers = [revision.revision for revision in lint.in_range(named)]
    assert len(numbers) == looked_at + newer
    assert numbers == sorted(numbers)


@pytest.mark.parametrize("named", ["0099", "0001:0099", "0004:0002", "base"])
def test_a_range_that_is_none_is_said_in_one_line(named: str, shelf: Path) -> None:
    refused = run(f"db lint {named}")
    assert refused.exit_code == 1
    assert refused.output.startswith("Error: ")
    assert refused.output.count("\n") == 1


def test_where_squawk_is_absent_one_line_says_how_to_install_it(
    shelf: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "which", lambda *names, **options: None)
    refused = run("db lint")
    assert refused.exit_code == 1
    assert refused.output == f"Error: {lint.HOW_TO_INSTALL}\n"


def test_a_revision_that_needs_rows_says_how_to_be_looked_at(shelf: Path) -> None:
    plant(shelf, after_head(), HEAD, 'op.get_bind().execute(sa.text("SELECT 1")).all()')
    with pytest.raises(CommandError, match=r"context\.is_offline_mode\(\)"):
        lint.look_at(lint.in_range(after_head()))


def test_migrate_warns_of_what_is_risky_in_the_file_that_it_wrote(
    checkout: Path, sqlite_place: Place
) -> None:
    with migrating(sqlite_place) as config:
        command.upgrade(config, "head")
    ask(sqlite_place, "ALTER TABLE books ADD COLUMN left_over TEXT")
    said = run_flask(checkout, sqlite_place, "db migrate -m tidy").splitlines()
    assert re.fullmatch(r"Generating .*_tidy.py ...  done", said[-2])
    assert re.fullmatch(r"Warning: migrations/.*_tidy.py:\d+ ban-drop-column: .*", said[-1])
