"""The development key: made once, kept private, the same for all that start at once."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest
from environments import DIRECT, Env, mode

from config import Config, ConfigError


@pytest.mark.parametrize("env", [{}, {"DATABASE_URL": DIRECT}], ids=["file", "server"])
def test_the_development_key_is_made_once_and_kept_private(env: Env, root: Path) -> None:
    key = Config.from_env(env, root).secret_key
    assert len(key) >= 50
    assert (root / "instance/secret_key").read_text() == key
    assert (mode(root / "instance"), mode(root / "instance/secret_key")) == (0o700, 0o600)
    assert Config.from_env(env | {"SECRET_KEY": " "}, root).secret_key == key


def test_two_projects_have_two_development_keys(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    first.mkdir()
    second.mkdir()
    assert Config.from_env({}, first).secret_key != Config.from_env({}, second).secret_key


def test_an_empty_left_over_key_is_replaced(root: Path) -> None:
    left_over = root / "instance/secret_key"
    left_over.parent.mkdir()
    left_over.write_text("\n")
    left_over.chmod(0o644)
    key = Config.from_env({}, root).secret_key
    assert len(key) >= 50
    assert left_over.read_text().strip() == key
    assert mode(left_over) == 0o600


@pytest.mark.parametrize("left_over", [False, True], ids=["fresh", "empty file"])
def test_all_that_start_at_once_have_the_same_development_key(left_over: bool, root: Path) -> None:
    starters = 8
    barrier = Barrier(starters)

    def start(project: Path) -> str:
        barrier.wait()
        return Config.from_env({}, project).secret_key

    with ThreadPoolExecutor(starters) as pool:
        for attempt in range(25):
            project = root / str(attempt)
            project.mkdir()
            if left_over:
                (project / "instance").mkdir()
                (project / "instance/secret_key").touch()
            keys = set(pool.map(start, [project] * starters))
            assert len(keys) == 1
            assert (project / "instance/secret_key").read_text() in keys


def test_a_folder_that_cannot_keep_the_key_is_named(root: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        Config.from_env({"DATABASE_URL": DIRECT}, root / "file")
    said = str(caught.value)
    assert said.startswith(f"SECRET_KEY is unset, and {root / 'file/instance'} cannot keep one")
    assert "\n" not in said


def test_a_key_that_is_not_text_is_refused(root: Path) -> None:
    (root / "instance").mkdir()
    (root / "instance/secret_key").write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigError, match="SECRET_KEY is unset"):
        Config.from_env({}, root)
