"""What a newcomer types, in a copy of the project as a fresh clone would have it."""

import ast
import contextlib
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple, Self
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import HTTPCookieProcessor, build_opener

import pytest
from conftest import after_head
from house import form_of

ROOT = Path(__file__).resolve().parent.parent
BUILDING, STARTING = 300, 120  # seconds until a program has done so, on a machine that is busy
STOPPING = 60  # gunicorn waits 30 s for a worker that was told to stop while it was being born

# The rest would say what the copy is to serve, or what make that runs these tests was told.
KEPT = re.compile(r"PATH|HOME|LANG|TMPDIR|LC_.*|PIP_.*|SSL_.*|.*_proxy", re.IGNORECASE)


class Finished(NamedTuple):
    """How a program ended, what it wrote, and what of it was not make's own."""

    status: int
    written: str

    @property
    def said(self) -> list[str]:
        """The lines without those in which make tells that a step of its own failed."""
        return [line for line in self.written.splitlines() if not line.startswith("make")]


class Clone(NamedTuple):
    """A folder with the project in it."""

    folder: Path

    @contextlib.contextmanager
    def started(self, *command: str | Path, **given: str) -> Iterator[subprocess.Popen[bytes]]:
        """Run a program, writing into the file `log`, until the block ends; then none is left."""
        kept = {name: value for name, value in os.environ.items() if KEPT.fullmatch(name)}
        with (
            tempfile.TemporaryFile() as log,
            subprocess.Popen(
                [str(part) for part in command],
                cwd=self.folder,
                env=kept | {"PYTHON": sys.executable} | given,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            ) as process,
        ):
            process.log = log  # type: ignore[attr-defined]
            try:
                yield process
            finally:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)

    def run(self, *command: str | Path, **given: str) -> Finished:
        """Run a program to its end, which must come soon."""
        with self.started(*command, **given) as process:
            process.wait(STARTING)
            return Finished(process.returncode, written_by(process))

    def make(self, *arguments: str, **given: str) -> Finished:
        """Run make to its end."""
        return self.run("make", *arguments, **given)

    @contextlib.contextmanager
    def serving(self, within: float = STARTING) -> Iterator[tuple[str, str]]:
        """`make run` until it has said where to go: what it wrote, and that address."""
        port = free_port()
        with self.started("make", "run", f"PORT={port}") as process:
            address, deadline = f"http://127.0.0.1:{port}/", time.monotonic() + within
            while address not in written_by(process):
                assert process.poll() is None, written_by(process)
                assert time.monotonic() < deadline, written_by(process)
                time.sleep(0.05)
            yield written_by(process), address
            os.killpg(process.pid, signal.SIGTERM)
            process.wait(STOPPING)


def written_by(process: subprocess.Popen[bytes]) -> str:
    """What a program has written so far."""
    log = process.log  # type: ignore[attr-defined]
    return os.pread(log.fileno(), 1_000_000, 0).decode(errors="replace")


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port


class Visitor:
    """A browser of somebody who comes to a shelf that was just started."""

    def __init__(self) -> None:
        self.opener = build_opener(HTTPCookieProcessor())

    def read(self, address: str, typed: dict[str, str] | None = None) -> str:
        """The page at an address, or what comes of a form that is sent there."""
        data = urlencode(typed).encode() if typed else None
        with self.opener.open(address, data, timeout=STARTING) as response:
            page: bytes = response.read()
            return page.decode()

    def come_in(self, written: str) -> Self:
        """Become the administrator by the link that `make run` has written."""
        return self.say_who(re.findall(r"http://\S+/welcome/\S+", written)[0])

    def say_who(self, address: str) -> Self:
        """Fill in a page that asks for an address and a password."""
        form = form_of(self.read(address))
        person = {"email": "ann@example.org", "password": "correct horse battery"}
        assert "Your catalogue" in self.read(address, form | person)
        return self


def copy_to(folder: Path) -> Clone:
    """Copy what a commit of everything would hold."""
    listing = ["ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    git = ["git", "-c", "safe.directory=*", *listing]
    names = subprocess.run(git, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for name in filter(None, names.split("\0")):
        if (ROOT / name).exists():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)
    return Clone(folder)


@pytest.fixture
def bare(tmp_path: Path) -> Clone:
    """A fresh clone."""
    return copy_to(tmp_path)


@pytest.fixture
def clone(bare: Clone) -> Clone:
    """A clone in which `make setup` has been done: its .venv is that of these tests."""
    venv = bare.folder / ".venv"
    venv.mkdir()
    for name in ("bin", "lib", "pyvenv.cfg"):
        (venv / name).symlink_to(Path(sys.prefix) / name)
    for stamp in ("installed", "installed-dev"):
        (venv / stamp).touch()
    return bare


@pytest.mark.slow
def test_one_command_leads_from_nothing_to_a_filled_shelf(bare: Clone) -> None:
    with bare.serving(within=BUILDING) as (written, address):
        assert "Installing" in written
        assert "Tolkien" in Visitor().come_in(written).read(f"{address}authors/?q=tolkien")
    with bare.serving() as (written, address):
        assert "Installing" not in written
        assert "Added" not in written
        assert "/welcome/" not in written
        assert "Tolkien" in Visitor().say_who(f"{address}login").read(f"{address}api/authors")
    freeze = bare.run(".venv/bin/python", "-m", "pip", "freeze").written.splitlines()
    pins = (bare.folder / "requirements.txt").read_text("utf-8").splitlines()
    named = {pin.lower().partition("; ")[0] for pin in pins if "==" in pin}
    assert {pin.lower().replace("_", "-") for pin in freeze} == {
        pin.replace("_", "-") for pin in named
    }


def test_a_second_start_installs_nothing_and_adds_nothing(clone: Clone) -> None:
    with clone.serving() as (written, _):
        assert "Added" in written
    with clone.serving() as (written, address):
        assert "Installing" not in written
        assert "Added" not in written
        assert "<h1>Sign in</h1>" in Visitor().read(address)
    assert oct((clone.folder / "instance/secret_key").stat().st_mode)[-3:] == "600"


def test_a_welcome_link_is_good_for_one_start_and_one_person(clone: Clone) -> None:
    with clone.serving() as (written, _):
        older = re.findall(r"/welcome/\S+", written)[0]
    with clone.serving() as (written, address):
        with pytest.raises(HTTPError, match="404"):
            Visitor().read(address.rstrip("/") + older)
        Visitor().come_in(written)
        with pytest.raises(HTTPError, match="404"):
            Visitor().come_in(written)


def test_a_port_that_is_taken_is_said_in_one_line(clone: Clone) -> None:
    clone.make("upgrade")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        finished = clone.make("run", f"PORT={port}")
    assert finished.status != 0
    assert [line for line in finished.said if str(port) in line] == finished.said[-1:]
    assert "Traceback" not in finished.written


@pytest.mark.parametrize(
    ("command", "given", "complaint"),
    [
        ("make run", {"DATABASE_URL": "nonsense"}, "DATABASE_URL is no URL"),
        ("make run", {"DATABASE_URL": "sqlite:////nowhere/x.db"}, "cannot be written"),
        ("make run", {"PORT": "http"}, "PORT must be"),
        ("make run", {"WEB_CONCURRENCY": "many"}, "WEB_CONCURRENCY must be"),
        ("make run", {"BOOKSHELF_ENV": "production"}, "SECRET_KEY must have"),
        (".venv/bin/gunicorn", {"DATABASE_URL": "nonsense"}, "DATABASE_URL is no URL"),
        (".venv/bin/gunicorn", {"DB_HOST": "localhost"}, "set DB_USER"),
        (".venv/bin/gunicorn", {"BOOKSHELF_ENV": "production"}, "SECRET_KEY must have"),
    ],
)
def test_what_cannot_work_is_said_in_one_line(
    command: str, given: dict[str, str], complaint: str, clone: Clone
) -> None:
    finished = clone.run(*command.split(), **given)
    assert finished.status != 0
    assert len(finished.said) == 1, finished.written
    assert complaint in finished.said[0]


def test_a_folder_for_data_that_cannot_be_made_is_said_in_one_line(clone: Clone) -> None:
    (clone.folder / "instance").write_text("in the way")
    finished = clone.make("run")
    assert finished.status != 0
    assert len(finished.said) == 1, finished.written
    assert "cannot be written" in finished.said[0]


def test_a_folder_that_cannot_be_written_is_said_in_one_line() -> None:
    with tempfile.TemporaryDirectory(dir="/tmp", prefix="shelf-") as folder:
        clone = copy_to(Path(folder))
        os.chmod(folder, 0o555)
        nobody = "setpriv --reuid=65534 --regid=65534 --clear-groups" if os.geteuid() == 0 else ""
        finished = clone.run(*nobody.split(), "make", "run")
        os.chmod(folder, 0o755)
    assert finished.status != 0
    assert len(finished.said) == 1, finished.written
    assert "cannot be written" in finished.said[0]


@pytest.mark.parametrize(
    ("lack", "complaint"),
    [
        ("*version_info*", "needs Python 3.11 or newer"),
        ("*ensurepip*", "lacks venv; on Debian: apt-get install python3-venv"),
    ],
)
def test_a_python_that_will_not_do_is_said_in_one_line(
    lack: str, complaint: str, bare: Clone
) -> None:
    python = bare.folder / "lacking-python"
    python.write_text(
        f'#!/bin/sh\ncase "$*" in {lack}) exit 1;; esac\nexec {sys.executable} "$@"\n'
    )
    python.chmod(0o755)
    finished = bare.make("run", f"PYTHON={python}")
    assert finished.status != 0
    assert len(finished.said) == 1, finished.written
    assert complaint in finished.said[0]


def test_a_virtual_environment_whose_python_is_gone_is_made_anew(bare: Clone) -> None:
    (bare.folder / ".venv/bin").mkdir(parents=True)
    (bare.folder / ".venv/bin/python").symlink_to("/gone/python3")
    (bare.folder / ".venv/installed").touch()
    assert bare.make(".venv/bin/python").status == 0
    assert bare.run(".venv/bin/python", "--version").status == 0
    assert not (bare.folder / ".venv/installed").exists()


def test_the_file_env_of_a_parent_folder_is_not_read(clone: Clone) -> None:
    (clone.folder / "docs/.env").write_text("")
    (clone.folder.parent / ".env").write_text("DATABASE_URL=sqlite:////tmp/another.db\n")
    assert "instance/bookshelf.db" in clone.run(".venv/bin/flask", "doctor").written


def test_a_python_that_does_not_exist_is_said_in_one_line(bare: Clone) -> None:
    finished = bare.make("run", "PYTHON=python3.99")
    assert finished.status != 0
    assert len(finished.said) == 1, finished.written


def test_make_alone_lists_what_there_is(bare: Clone) -> None:
    finished = bare.make()
    assert finished.status == 0
    listed = {line.split()[0] for line in finished.said}
    daily = "help run test check setup format seed migrate upgrade bench clean"
    assert listed == set(daily.split())
    assert not (bare.folder / ".venv").exists()


def test_every_daily_command_is_listed_once_with_its_meaning(bare: Clone) -> None:
    for line in bare.make("help").said:
        assert re.fullmatch(r"[a-z]+ +\S.*", line)


def test_a_migration_without_a_message_says_what_to_do(clone: Clone) -> None:
    finished = clone.make("migrate")
    assert finished.status != 0
    assert finished.said == ['Say what changes: make migrate M="add country to author"']


def test_a_message_is_neither_run_nor_changed(clone: Clone) -> None:
    clone.make("upgrade")
    models = clone.folder / "bookshelf/books/models.py"
    models.write_text(
        models.read_text().replace("    year:", "    pages: Mapped[int | None]\n    year:")
    )
    message = """it's "two" $HOME `touch run` $(touch run) $(shell touch run) $$ \\ ; touch run #"""
    finished = clone.make("migrate", f"M={message}")
    assert finished.status == 0, finished.written
    assert not (clone.folder / "run").exists()
    [written] = (clone.folder / "migrations/versions").glob(f"{after_head()}_*.py")
    docstring = ast.get_docstring(ast.parse(written.read_text("utf-8"))) or ""
    assert docstring.startswith(f"{message}\n")


def test_a_migration_of_nothing_writes_no_file(clone: Clone) -> None:
    clone.make("upgrade")
    before = sorted((clone.folder / "migrations/versions").glob("*.py"))
    finished = clone.make("migrate", "M=it's nothing")
    assert finished.status == 0, finished.written
    assert "nothing to migrate" in finished.written
    assert sorted((clone.folder / "migrations/versions").glob("*.py")) == before


def test_seeding_adds_what_is_missing_and_then_nothing(clone: Clone) -> None:
    assert clone.make("upgrade").status == 0
    assert re.search(r"Added [1-9]\d* authors and [1-9]\d* books", clone.make("seed").written)
    assert "Added 0 authors and 0 books" in clone.make("seed").written


def test_cleaning_keeps_the_data(clone: Clone) -> None:
    clone.make("upgrade")
    assert clone.make("clean").status == 0
    assert not (clone.folder / ".venv").exists()
    assert (clone.folder / "instance/bookshelf.db").exists()
