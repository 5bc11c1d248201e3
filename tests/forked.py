"""`flask` in a process of its own, quickly: forked from one that has imported everything."""

import multiprocessing
import os
import sys
from collections.abc import Mapping
from multiprocessing.process import BaseProcess
from pathlib import Path

from flask.cli import FlaskGroup

from bookshelf.app import create_app
from config import Config

CONTEXT = multiprocessing.get_context("forkserver")
CONTEXT.set_forkserver_preload(["forked"])


def start(words: list[str], env: Mapping[str, str], said: Path) -> BaseProcess:
    """Start `flask` with these words; what it prints to both outputs goes to a file."""
    process = CONTEXT.Process(target=_run, args=(words, dict(env), str(said)))
    process.start()
    return process


def _run(words: list[str], env: dict[str, str], said: str) -> None:
    printed = os.open(said, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(printed, sys.stdout.fileno())
    os.dup2(printed, sys.stderr.fileno())
    app = create_app(Config.from_env(env).settings())
    FlaskGroup(create_app=lambda: app, load_dotenv=False).main(words, prog_name="flask")
