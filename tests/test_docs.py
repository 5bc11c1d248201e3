"""The documents stay true: the tree names every file, and every link leads somewhere."""

import re
import subprocess
from fnmatch import fnmatch
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
NEEDS_NO_LINE = ("*/__init__.py", "docs/images/*", ".gitignore", "README.md")


def tree() -> list[str]:
    """What docs/tour.md lists: files, folders with a slash at their end, patterns."""
    block = (ROOT / "docs/tour.md").read_text().split("## The tree")[1].split("```")[1]
    return [line.split()[0] for line in block.splitlines() if line.strip()]


def files() -> list[str]:
    """Every file that is or will be in the repository."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [name for name in listed.splitlines() if (ROOT / name).exists()]


def covers(line: str, file: str) -> bool:
    """Whether a line of the tree stands for a file."""
    return file.startswith(line) if line.endswith("/") else fnmatch(file, line)


def test_the_tree_names_every_file() -> None:
    missing = [
        file
        for file in files()
        if not any(fnmatch(file, pattern) for pattern in NEEDS_NO_LINE)
        and not any(covers(line, file) for line in tree())
    ]
    assert missing == []


def test_every_line_of_the_tree_stands_for_a_file() -> None:
    assert [line for line in tree() if not any(covers(line, file) for file in files())] == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_link_leads_to_a_file(document: Path) -> None:
    targets = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", document.read_text())
    assert [target for target in targets if not (document.parent / target).exists()] == []


def test_the_readme_names_every_setting() -> None:
    settings = re.findall("^#([A-Z_]+)=", (ROOT / ".env.example").read_text(), re.MULTILINE)
    readme = (ROOT / "README.md").read_text()
    assert [name for name in settings if f"`{name}`" not in readme] == []
