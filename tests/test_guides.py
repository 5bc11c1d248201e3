"""The guides tell the truth: each is played from top to bottom in a copy of the project."""

import contextlib
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg2
import pytest
from conftest import ROOT, Place, ask
from project import Project, change

BLOCK = re.compile(r"^```(\w+)(?: (postgresql))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
COMMAND = re.compile(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", re.MULTILINE)
STATUSES = {
    "^E(RROR|rror)|TROUBLE": 1,
    "^FAILED": 255,
    "cannot start": 4,
    r"^migrations/\S+:\d+ ": 1,
}
# What differs from run to run, or from machine to machine.
VARIES = re.compile(
    r"pid \d+|\d\d:\d\d:\d\d|\d{4}-\d\d-\d\d|\d{8}T[\d.]+Z|in \d\.\d s| +[\d,]+ KB"
    r"|(?:SQLite|PostgreSQL) \d[^\n,]*|\S+://\S+"
)
SOMEBODY = "4711"  # the process of whoever has begun a transaction


class Stage:
    """Where a guide is played: a copy of the project, over a database of each kind."""

    def __init__(self, folder: Path, create_place: Callable[[str], Place]) -> None:
        self.sqlite = Project(folder, create_place("sqlite"))
        self.postgresql = Project(folder, create_place("postgresql"))
        self.somebody: psycopg2.extensions.connection | None = None

    def play(self, guide: Path) -> int:
        """Play every block of a guide; how many there were."""
        kinds = {
            "console": self.run_commands,
            "sql": self.run_statements,
            "diff": change_file,
            "python": find_in_a_revision,
        }
        blocks = BLOCK.findall(guide.read_text("utf-8"))
        for kind, where, text in blocks:
            kinds[kind](self.postgresql if where else self.sqlite, text)
        return len(blocks)

    def run_commands(self, project: Project, block: str) -> None:
        """Each command prints what stands below it, where "..." stands for any lines."""
        for command, expected in COMMAND.findall(block):
            status = next((c for sign, c in STATUSES.items() if re.search(sign, expected, re.M)), 0)
            printed = _run(project, command, status)
            pattern = re.escape(steady(expected)).replace(re.escape("...\n"), r"(?s:.*\n)")
            assert re.fullmatch(pattern, steady(printed)), f"{command}\n{printed}"

    def run_statements(self, project: Project, block: str) -> None:
        """Statements, one a line; what BEGIN begins stays open until the next block of them."""
        with self._leaving() as pid:
            for statement in block.replace(SOMEBODY, pid).splitlines():
                if statement == "BEGIN;":
                    self.somebody = psycopg2.connect(project.place.migrating)
                elif self.somebody:
                    self.somebody.cursor().execute(statement)
                else:
                    ask(project.place, statement)

    @contextlib.contextmanager
    def _leaving(self) -> Iterator[str]:
        """Somebody, whose process this is, may be sent away, and has left afterwards."""
        left, self.somebody = self.somebody, None
        yield str(left.info.backend_pid if left else "")
        if left:
            left.close()


def _run(project: Project, command: str, status: int) -> str:
    if command.startswith("alembic"):
        program = [sys.executable, "-m", *command.split()]
        finished = subprocess.run(program, cwd=project.folder, capture_output=True, text=True)
        assert finished.returncode == status
        return finished.stdout + finished.stderr
    settings, _, words = command.rpartition("flask ")
    given = dict(setting.split("=", 1) for setting in settings.split())
    return project.flask(words, status, **given)


def steady(printed: str) -> str:
    """What was printed, without what differs from run to run."""
    return VARIES.sub("~", printed)


def change_file(project: Project, block: str) -> None:
    """Lines with a minus become those with a plus; "@@" stands between two places of a file."""
    name, _, hunks = block.partition("\n")
    for hunk in hunks.split("@@\n"):
        lines = hunk.splitlines()
        old, new = ("\n".join(line[1:] for line in lines if line[:1] in kept) for kept in KEPT)
        change(project.folder / name.removeprefix("--- "), old, new)


KEPT = (" -", " +")


def find_in_a_revision(project: Project, block: str) -> None:
    """Part of the newest revision, but for what `make format` changes in documents."""
    written = (project.versions / project.files()[-1]).read_text("utf-8")
    assert unformatted(block) in unformatted(written)


def unformatted(code: str) -> str:
    """Code without its blanks, all its quotes double."""
    return re.sub(r"\s", "", code).replace("'", '"')


@pytest.fixture
def stage(checkout: Path, create_place: Callable[[str], Place]) -> Iterator[Stage]:
    """Empty databases of each kind, and nobody there."""
    found = Stage(checkout, create_place)
    yield found
    if found.somebody:
        found.somebody.close()


@pytest.mark.slow
def test_revisions_are_written_as_the_guide_tells(stage: Stage) -> None:
    assert stage.play(ROOT / "docs/evolving-the-schema.md") >= 20
    found = ask(stage.sqlite.place, "SELECT name, country FROM authors")
    assert found == [("Chinua Achebe", "NG")]


@pytest.mark.slow
def test_schema_changes_are_deployed_as_the_guide_tells(stage: Stage) -> None:
    assert stage.play(ROOT / "docs/deploying-schema-changes.md") >= 30
    found = ask(stage.postgresql.place, "SELECT city, name FROM publishers ORDER BY id")
    assert found == [("London", "Heinemann"), (None, "Minerva")]
