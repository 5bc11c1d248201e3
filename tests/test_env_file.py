"""The `.env` file: what it gives, what is refused in it, and that no import has it read."""

import ast
import os
import re
import shutil
import subprocess
import sys
import traceback
from collections.abc import Callable
from pathlib import Path

import pytest
from environments import CANARY

import config
from config import ConfigError, environment


def test_the_process_goes_before_the_file(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (root / ".env").write_text("DB_USER=file\nDB_NAME=file\nDB_HOST=file\nDB_PORT=\nSECRET_KEY\n")
    monkeypatch.setenv("DB_USER", "process")
    monkeypatch.setenv("DB_NAME", "")
    monkeypatch.delenv("DB_HOST", raising=False)
    monkeypatch.delenv("DB_PORT", raising=False)
    monkeypatch.delenv("SECRET_KEY", raising=False)
    found = environment(root)
    assert (found["DB_USER"], found["DB_NAME"], found["DB_HOST"]) == ("process", "file", "file")
    assert not {"DB_PORT", "SECRET_KEY"} & found.keys()


def test_the_file_is_taken_literally(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DB_PASSWORD", raising=False)
    (root / ".env").write_text("\ufeffDB_PASSWORD='${HOME} # $x'\n", encoding="utf-8")
    assert environment(root)["DB_PASSWORD"] == "${HOME} # $x"


def test_a_file_that_is_not_utf_8_is_refused(root: Path) -> None:
    (root / ".env").write_text(f"DB_PASSWORD={CANARY}\n", encoding="utf-16")
    with pytest.raises(ConfigError, match="cannot be read; save it as UTF-8") as caught:
        environment(root)
    assert CANARY not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize(
    ("written", "line"),
    [
        ('# ours\n\nDATABASE_URL="sqlite:///shelf.db\nPORT=8001\n', 3),
        ("PORT=8001\nDATABASE_URL: sqlite:///shelf.db\n", 2),
        ("DATABASE_URL:sqlite:///shelf.db\n", 1),
        ("PORT='8001' and more\n", 1),
        ("PORT=8001\n=9\n", 2),
    ],
)
def test_a_line_that_only_seems_to_set_something_is_refused(
    written: str, line: int, root: Path
) -> None:
    (root / ".env").write_text(written)
    with pytest.raises(ConfigError) as caught:
        environment(root)
    assert str(caught.value) == (
        f"{root / '.env'}, line {line}: write NAME=value, and close every quote."
    )


@pytest.mark.parametrize("kind", ["a folder", "a pipe", "a link to nothing"])
def test_what_is_there_but_is_no_file_is_refused(kind: str, root: Path) -> None:
    make: dict[str, Callable[[Path], None]] = {
        "a folder": Path.mkdir,
        "a pipe": os.mkfifo,
        "a link to nothing": lambda path: path.symlink_to("nothing"),
    }
    make[kind](root / ".env")
    with pytest.raises(ConfigError, match=r"\.env is no file"):
        environment(root)


def test_without_a_file_the_process_alone_speaks(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DB_USER", "process")
    assert environment(root) == {name: value for name, value in os.environ.items() if value.strip()}


IMPORT = """
import os, sys
import config
del sys.modules["config"]

class Untouchable:
    def __getattribute__(self, name): raise AssertionError("importing config read os.environ")
    __getitem__ = __iter__ = __contains__ = lambda self, *args: self.x

opened = []
os.environ = Untouchable()
sys.addaudithook(
    lambda event, args: opened.append(str(args[0])) if event in ("open", "os.mkdir") else None
)
import config
touched = {os.path.basename(path).split(".")[0] for path in opened}
assert touched == {"config"}, touched  # the module itself, which shows that the hook works
"""


def test_importing_config_touches_nothing() -> None:
    env = {"PYTHONPATH": str(config.ROOT), "PYTHONDONTWRITEBYTECODE": "1"}
    run = subprocess.run([sys.executable, "-c", IMPORT], env=env, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr


def variables_that_config_reads() -> set[str]:
    """The names in capitals that config.py mentions outside of settings(), whose are Flask's."""
    tree = ast.parse((config.ROOT / "config.py").read_text())
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and node.name == "settings":
            node.body = []
    constants = {str(node.value) for node in ast.walk(tree) if isinstance(node, ast.Constant)}
    return {each for each in constants if re.fullmatch("PORT|[A-Z]+(_[A-Z]+)+", each)}


# What only `make run` hands on, and what is Flask's own.
OF_OTHERS = {"BOOKSHELF_WELCOME", "FLASK_DEBUG"}


def test_the_example_names_every_variable_and_no_other() -> None:
    named = re.findall("^#([A-Z_]+)=", (config.ROOT / ".env.example").read_text(), re.MULTILINE)
    assert {"DATABASE_URL", "DB_PORT", "BOOKSHELF_ENV"} <= variables_that_config_reads()
    assert set(named) == variables_that_config_reads() - OF_OTHERS


def test_copying_the_example_changes_nothing(root: Path) -> None:
    before = environment(root)
    shutil.copy(config.ROOT / ".env.example", root / ".env")
    assert environment(root) == before
