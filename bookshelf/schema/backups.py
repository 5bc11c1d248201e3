"""Backups of a SQLite file: made before a run that changes it, and put back while it is served.

They stand in `backups/` beside the database, which is `instance/backups/` unless DATABASE_URL
says otherwise, under its name, so that two databases in one folder never mix.
"""

import os
import re
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from alembic.util import CommandError
from sqlalchemy import URL

from bookshelf.core.db import now

NEWEST = 5
FOLDER = "backups"
MOMENT = "%Y%m%dT%H%M%S.%fZ"
NO_REVISION = "base"
ON_POSTGRESQL = (
    "On PostgreSQL, back up with pg_dump and put back with pg_restore; on Neon, with a branch."
)


class Backup(NamedTuple):
    """A file of the folder, and what its name says of it."""

    path: Path
    made_at: datetime
    revision: str  # as in_words() has it, but "base" before the first migration
    size: int  # bytes


def make(url: URL) -> Path | None:
    """Back up what a URL leads to, and keep the newest five; None where there is nothing to lose.

    What another connection has begun to write is not in it, nor waited for: so a run can hold the
    write lock meanwhile. PostgreSQL is left to its own tools. Raises CommandError.
    """
    if url.get_backend_name() != "sqlite":
        return None
    database = Path(url.database or "")
    try:
        made = copy(database, _folder(database))
        for older in kept(url)[NEWEST:]:
            older.path.unlink(missing_ok=True)
    except (OSError, sqlite3.Error) as error:
        refused = f"{database} could not be backed up into {_folder(database)}"
        raise CommandError(f"{refused} ({error}), so nothing was changed") from error
    return made


def kept(url: URL) -> list[Backup]:
    """The backups of the database of a URL, the newest first."""
    database = Path(url.database or "")
    pattern = re.compile(rf"{re.escape(database.name)}-(\d{{8}}T\d{{6}}\.\d{{6}}Z)-(\w+)\.db")
    found = []
    for path in _folder(database).glob("*.db"):
        if name := pattern.fullmatch(path.name):
            made_at = datetime.strptime(name[1], MOMENT).replace(tzinfo=UTC)
            found.append(Backup(path, made_at, name[2].replace("_", " "), path.stat().st_size))
    return sorted(found, key=lambda backup: backup.made_at, reverse=True)


def copy(database: Path, folder: Path) -> Path | None:
    """Copy what is committed in a SQLite file into the folder; None if it has no table.

    The copy gets its name once it is whole; only its owner may read it.
    """
    folder.mkdir(mode=0o700, exist_ok=True)
    part = folder / f".{database.name}.part"  # one at a time: who copies holds the write lock
    part.unlink(missing_ok=True)
    with closing(_opened(database)) as source:
        source.execute("BEGIN")  # so that the revision and the rows are of one moment
        if not source.execute("SELECT 1 FROM sqlite_master").fetchone():
            return None
        name = f"{database.name}-{now():{MOMENT}}-{_revision(source)}.db"
        os.close(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        with closing(_opened(part)) as target:
            # A journal that a killed process left would be taken for that of the next copy.
            target.execute("PRAGMA journal_mode = OFF")
            source.backup(target)
    return part.rename(folder / name)


def restore(backup: Backup, url: URL) -> Path | None:
    """Put a backup back into the live file in one transaction; where the replaced state was kept.

    Pages are served meanwhile, and see either all of the old state or all of the new one. Raises
    CommandError, with everything as it was.
    """
    database = Path(url.database or "")
    replaced: list[Path | None] = []

    def keep_what_is_there(status: int, remaining: int, total: int) -> None:
        """Called after the first page was written, when nobody else can write any more."""
        if status == sqlite3.SQLITE_BUSY:
            raise CommandError("somebody else is writing to the database; try again in a moment")
        if not replaced:
            replaced.append(copy(database, _folder(database)))

    try:
        with (
            closing(_opened(backup.path, "?mode=ro&immutable=1")) as source,
            closing(_opened(database)) as live,
        ):
            # Else who replaces it would lock out who has to read what is replaced.
            live.execute("PRAGMA journal_mode = WAL")
            source.backup(live, pages=1, progress=keep_what_is_there)
    except (OSError, sqlite3.Error) as error:
        raise CommandError(f"{backup.path.name} could not be put back ({error})") from error
    return replaced[0]


def _folder(database: Path) -> Path:
    return database.parent / FOLDER


def _opened(file: Path, options: str = "") -> sqlite3.Connection:
    return sqlite3.connect(file.as_uri() + options, uri=True, isolation_level=None)


def _revision(source: sqlite3.Connection) -> str:
    """The heads as a name can hold them; a revision of nobody's making too."""
    table = "SELECT 1 FROM sqlite_master WHERE name = 'alembic_version'"
    if not source.execute(table).fetchone():
        return NO_REVISION
    rows = source.execute("SELECT version_num FROM alembic_version ORDER BY 1").fetchall()
    return re.sub(r"\W", "_", " and ".join(row[0] for row in rows)) or NO_REVISION
