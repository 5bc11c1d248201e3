"""Statements without a library between: psycopg2, or Python's sqlite3."""

import sqlite3
from collections.abc import Sequence
from typing import Any

import psycopg2

# What stand among the values of a statement of the limit; after TYPED the name of a field.
ID = "the number in the path"
TYPED = "typed into "


class Asker:
    """One connection; each statement is a transaction of its own unless it is told otherwise."""

    def __init__(self, url: str) -> None:
        """Connect to postgresql://... or to sqlite:///file, as the application does."""
        self.is_sqlite = url.startswith("sqlite:")
        if self.is_sqlite:
            file = url.removeprefix("sqlite:///")
            self.connection: Any = sqlite3.connect(file, timeout=5, isolation_level=None)
            for pragma in ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON"):
                self.connection.execute(f"PRAGMA {pragma}")
        else:
            self.connection = psycopg2.connect(url)
            self.connection.autocommit = True

    def ask(self, statement: str, values: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        """The rows of a statement, whose parameters are written %s."""
        if self.is_sqlite:
            rows: list[Any] = self.connection.execute(statement.replace("%s", "?"), values)
            return list(rows)
        with self.connection.cursor() as cursor:
            cursor.execute(statement, values or None)
            return list(cursor.fetchall()) if cursor.description else []

    def close(self) -> None:
        """End the connection."""
        self.connection.close()
