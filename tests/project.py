"""A copy of the project over a database: what an engineer does there."""

import re
import subprocess
import sys
from pathlib import Path

from conftest import ROOT, Place, ask, run_flask

from bookshelf.core.db import db
from bookshelf.seed import services

AUTHORS = "SELECT id, name, bio, created_at FROM authors ORDER BY id"
BOOKS = "SELECT id, title, author_id, created_at FROM books ORDER BY id"


class Project:
    """A copy of the project over a database: what an engineer does there."""

    def __init__(self, folder: Path, place: Place) -> None:
        self.folder = folder
        self.place = place
        self.models = folder / "bookshelf/books/models.py"
        self.versions = folder / "migrations/versions"

    def flask(self, command: str, status: int = 0, **given: str) -> str:
        """Run `flask`; what it prints, without what every command prints."""
        printed = run_flask(self.folder, self.place, command, status=status, given=given)
        noise = r"INFO  \[alembic\.\S+\] (Context impl|Will assume|Detected sequence).*\n"
        return re.sub(noise, "", printed).replace(str(self.folder), ".")

    def files(self) -> list[str]:
        """The names of the revisions' files."""
        return sorted(file.name for file in self.versions.glob("*.py"))

    def rows(self, *queries: str) -> list[list[tuple[object, ...]]]:
        """The rows of authors and books."""
        return [ask(self.place, query) for query in queries or (AUTHORS, BOOKS)]

    def columns(self, table: str) -> set[str]:
        """The columns of a table; none where there is no table."""
        if self.place.kind == "sqlite":
            query = f"SELECT name FROM pragma_table_info('{table}')"
        else:
            query = f"SELECT column_name FROM information_schema.columns WHERE table_name='{table}'"
        return {row[0] for row in ask(self.place, query)}

    def format(self) -> None:
        """Do what `make format` does; new revisions must then be as clean as the rest."""
        makefile = (ROOT / "Makefile").read_text("utf-8")
        recipe = re.findall(r"(?m)^format:.*\n((?:\t.*\n)+)", makefile)[0].replace("@", "")
        programs = recipe.replace("$(BIN)", str(Path(sys.executable).parent))
        subprocess.run(["/bin/sh", "-ec", programs], cwd=self.folder, check=True)
        for words in ("check", "format --check"):
            program = [sys.executable, "-m", "ruff", *words.split(), "--quiet"]
            subprocess.run([*program, self.versions], cwd=self.folder, check=True)

    def next_id(self) -> int:
        """The id that a new book gets; the book is deleted again."""
        ask(self.place, "INSERT INTO books (title, sort_key, author_id) VALUES ('x', 'x', 1)")
        [(newest,)] = ask(self.place, "SELECT max(id) FROM books")
        ask(self.place, f"DELETE FROM books WHERE id = {newest}")
        return int(newest)

    def seed(self) -> None:
        """Fill the shelf, as `flask seed` does."""
        app = self.place.app()
        with app.app_context():
            services.add_missing()
            db.session.commit()
            db.engine.dispose()


def change(file: Path, old: str, new: str) -> None:
    """Replace what stands once in a file."""
    source = file.read_text("utf-8")
    assert source.count(old) == 1, f"not once in {file.name}: {old}"
    file.write_text(source.replace(old, new), "utf-8")
