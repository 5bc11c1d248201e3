"""Environments, and the configuration that each gives."""

import stat
from pathlib import Path

from config import Config

Env = dict[str, str]

CANARY = "cAnaRy"
POOLED = f"postgresql://ann:{CANARY}@ep-x-1-pooler.eu.aws.neon.tech/shelf"
DIRECT = f"postgresql://ann:{CANARY}@ep-x-1.eu.aws.neon.tech/shelf"
PARTS = {"DB_USER": "ann", "DB_PASSWORD": CANARY, "DB_HOST": "db", "DB_NAME": "shelf"}
LONG_KEY = "k" * 50
PRODUCTION = {"BOOKSHELF_ENV": "production", "TRUSTED_HOSTS": "books.example.org"}


def both(serving: str, migrating: str) -> Env:
    """A URL that serves, and one that migrates."""
    return {"DATABASE_URL": serving, "DATABASE_URL_UNPOOLED": migrating}


def read(env: Env, root: Path) -> Config:
    """The configuration that `env` gives, in which {root} stands for the folder."""
    in_place = {name: value.replace("{root}", str(root)) for name, value in env.items()}
    return Config.from_env({"SECRET_KEY": LONG_KEY} | in_place, root)


def mode(path: Path) -> int:
    """What the owner, the group and all others may do with a file."""
    return stat.S_IMODE(path.stat().st_mode)
