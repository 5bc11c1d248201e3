"""How long COPY alone takes to fill the tables that `flask seed --random` fills."""

import contextlib
import math
import tempfile
import time

from psycopg2.errors import QueryCanceled

from bench.asking import Asker
from bench.filling import Shelf

TABLES = ("authors", "books")
LOADING_GOAL = 3  # how many times as long as COPY alone filling may take


def bare_load(shelf: Shelf) -> float:
    """Seconds of COPY into empty tables with the same columns, checks and indexes.

    It is stopped once filling is known to be within the goal: at L it would go on for an hour.
    """
    took, most = 0.0, shelf.seconds / LOADING_GOAL
    with contextlib.closing(Asker(shelf.url)) as asker:
        for table in TABLES:
            took += _loaded(asker, table, most - took)
    return took


def _loaded(asker: Asker, table: str, most: float) -> float:
    copy = f"bare_{table}"
    with tempfile.TemporaryFile() as file, asker.connection.cursor() as cursor:
        cursor.copy_expert(f"COPY {table} TO STDOUT (FORMAT csv)", file)
        file.seek(0)
        asker.ask(f"CREATE TABLE {copy} (LIKE {table} INCLUDING ALL)")
        asker.ask(f"SET statement_timeout = {max(1, math.ceil(most * 1000))}")
        began = time.monotonic()
        with contextlib.suppress(QueryCanceled):
            cursor.copy_expert(f"COPY {copy} FROM STDIN (FORMAT csv)", file)
        seconds = time.monotonic() - began
    asker.ask("RESET statement_timeout")
    asker.ask(f"DROP TABLE {copy}")
    return seconds
