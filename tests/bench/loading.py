"""How long COPY alone takes to fill the tables that `flask seed --random` fills."""

import contextlib
import tempfile
import time

from bench.asking import Asker

TABLES = ("authors", "books")


def bare_load(url: str) -> float:
    """Seconds of COPY into empty tables with the same columns, checks and indexes."""
    with contextlib.closing(Asker(url)) as asker:
        return sum(_loaded(asker, table) for table in TABLES)


def _loaded(asker: Asker, table: str) -> float:
    copy = f"bare_{table}"
    with tempfile.TemporaryFile() as file, asker.connection.cursor() as cursor:
        cursor.copy_expert(f"COPY {table} TO STDOUT (FORMAT csv)", file)
        file.seek(0)
        asker.ask(f"CREATE TABLE {copy} (LIKE {table} INCLUDING ALL)")
        began = time.monotonic()
        cursor.copy_expert(f"COPY {copy} FROM STDIN (FORMAT csv)", file)
        seconds = time.monotonic() - began
    asker.ask(f"DROP TABLE {copy}")
    return seconds
