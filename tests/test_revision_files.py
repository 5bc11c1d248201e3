"""What the files of revisions keep to: a number of their own, and nothing of the app in them."""

import ast
import re
import sys
from collections import Counter
from pathlib import Path

import pytest
from alembic.script import ScriptDirectory
from conftest import HEAD, ROOT, after_head

from bookshelf.authors.names import author_key, propose_sort_name
from bookshelf.books.titles import title_key

VERSIONS = ROOT / "migrations/versions"


def plant(checkout: Path, revision: str, below: str, name: str = "planted") -> Path:
    """Write a revision that does nothing."""
    lines = [
        f'revision = "{revision}"',
        f'down_revision = "{below}"',
        "def upgrade(): pass",
        "def downgrade(): pass",
    ]
    file = checkout / "migrations/versions" / f"{revision}_{name}.py"
    file.write_text("\n".join(lines))
    return file


def faults_in_names(versions: Path) -> list[str]:
    """What is wrong with the numbers of revisions and the names of their files."""
    files = sorted(versions.glob("*.py"))
    numbers = {file: str(assigned(file.read_text("utf-8")).get("revision")) for file in files}
    twice = [number for number, count in Counter(numbers.values()).items() if count > 1]
    wrong = [
        file.name
        for file, number in numbers.items()
        if not re.fullmatch(rf"{re.escape(number)}_[a-z0-9_]+\.py", file.name)
        or not re.fullmatch(r"\d{4}", number)
    ]
    return twice + wrong


def assigned(source: str) -> dict[str, object]:
    """The names at the top of some code that stand for a constant."""
    return {
        target.id: node.value.value
        for node in ast.parse(source).body
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant)
        for target in node.targets
        if isinstance(target, ast.Name)
    }


def test_every_revision_has_its_own_number_which_its_file_bears() -> None:
    assert len(list(VERSIONS.glob("*.py"))) >= 3
    assert faults_in_names(VERSIONS) == []


@pytest.mark.parametrize(
    ("revision", "name", "fault"),
    [
        ("0003", "again", "0003"),
        ("3f2a99", "hash", "3f2a99_hash.py"),
        ("0099", "Caps and spaces", "0099_Caps and spaces.py"),
    ],
)
def test_a_wrong_number_is_found(revision: str, name: str, fault: str, checkout: Path) -> None:
    file = plant(checkout, revision, "0002", name)
    assert faults_in_names(file.parent) == [fault]


def test_a_file_with_another_number_than_its_own_is_found(checkout: Path) -> None:
    file = plant(checkout, after_head(), HEAD)
    file.rename(file.with_name("9999_planted.py"))
    assert faults_in_names(file.parent) == ["9999_planted.py"]


def imports(source: str) -> set[str]:
    """The packages that some code imports, wherever in it."""
    found = set[str]()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        if isinstance(node, ast.ImportFrom):
            found.add((node.module or "").split(".")[0] if not node.level else ".")
    return found


def test_a_revision_imports_nothing_of_bookshelf() -> None:
    allowed = {"sqlalchemy", "alembic", *sys.stdlib_module_names}
    for file in VERSIONS.glob("*.py"):
        assert imports(file.read_text("utf-8")) <= allowed, file.name


def test_an_import_is_found_wherever_it_stands() -> None:
    assert imports("def f():\n    from bookshelf.core import text") == {"bookshelf"}
    assert imports("import config as c\nfrom . import x") == {"config", "."}


ORDINARY_NAMES = [
    "J. R. R. Tolkien",
    "Chimamanda Ngozi Adichie",
    "Ursula K. Le Guin",
    "Gabriel García Márquez",
    "Martin Luther King Jr.",
    "Wisława Szymborska",
    "Halldór Laxness",
    "Jo Nesbø",
    "Plato",
    "Francis of Assisi",
    "村上春樹",
    "한강",
    "Murasaki Shikibu",
]
ORDINARY_TITLES = [
    "The Two Towers",
    "A Game of Thrones",
    "An Artist of the Floating World",
    "Half of a Yellow Sun",
    "Harry Potter and the Philosopher's Stone",
    "Cien años de soledad",
    "Thérèse Raquin",
    "Nineteen Eighty-Four",
    "1Q84",
    "百年の孤独",
]
# Elsewhere the frozen functions of 0003 may differ from those of the app, which learn: the app
# knows the articles of other languages and more particles, and finds an author by both names.


def test_0003_fills_in_what_the_app_would_for_ordinary_names_and_titles() -> None:
    frozen = ScriptDirectory(str(ROOT / "migrations")).get_revision("0003").module
    for name in ORDINARY_NAMES:
        sort_name = propose_sort_name(name)
        assert frozen.sort_name(name) == sort_name
        assert frozen.sort_key(sort_name) == author_key(name, sort_name)
    for title in ORDINARY_TITLES:
        assert frozen.sort_key(frozen.without_article(title)) == title_key(title, None)
