"""COPY, read while PostgreSQL writes: three times as quick as rows that Python has to write."""

from collections.abc import Generator, Iterator
from queue import Empty, Full, Queue
from threading import Lock, Thread
from typing import Any, Final

from sqlalchemy import Connection, Engine, text

from bookshelf.core.db import AnySelect

ROWS_AT_ONCE: Final = 500
WAITING: Final = 8  # so many times these wait for the reader before PostgreSQL has to
PATIENCE_S: Final = 0.1  # so long the first rows may take before there is nothing to read yet
LONGEST: Final = "15min"  # for a reader, who holds back old versions of rows meanwhile
MEMORY: Final = "64MB"  # in which PostgreSQL remembers authors, as books follow in another order


def copied(engine: Engine, statement: AnySelect) -> Generator[bytes, None, None]:
    """The rows of a statement as CSV with CR LF; at first perhaps nothing, if they take a while.

    Closing the generator cancels the statement and gives the connection back.
    """
    copy = _Copy(engine, statement)
    try:
        yield from copy.parts()
    finally:
        copy.stop()


class _Copy(Thread):
    """The statement in a thread of its own, as psycopg2 returns only at its end."""

    def __init__(self, engine: Engine, statement: AnySelect) -> None:
        super().__init__(name="export", daemon=True)
        self.engine = engine
        self.statement = statement
        self.queue = Queue[bytes | Exception | None](WAITING)
        self.rows: list[bytes] = []
        self.copying: Any = None  # psycopg2's connection, while it may be told to stop
        self.lock = Lock()
        self.stopped = False
        self.start()

    def parts(self) -> Iterator[bytes]:
        """What is there to read, until the end; raises what the thread has met."""
        try:
            part = self.queue.get(timeout=PATIENCE_S)
        except Empty:
            yield b""
            part = self.queue.get()
        while part is not None:
            if isinstance(part, Exception):
                raise part
            yield part
            part = self.queue.get()

    def stop(self) -> None:
        """Let the thread end, if it has not, without a reader."""
        self.stopped = True
        with self.lock:
            if self.copying:
                self.copying.cancel()

    def run(self) -> None:
        end: Exception | None = None
        try:
            with self.engine.connect() as connection:
                self._copy(connection)
            self._hand_on()
        except Exception as error:
            end = error
        self._put(end)

    def _copy(self, connection: Connection) -> None:
        limits = text(
            "SELECT set_config('transaction_read_only', 'on', true),"
            " set_config('statement_timeout', :longest, true),"
            " set_config('work_mem', :memory, true)"
        )
        connection.execute(limits, {"longest": LONGEST, "memory": MEMORY})
        cursor: Any = connection.connection.cursor()
        query = _written_out(cursor, connection, self.statement)
        with self.lock:
            self.copying = cursor.connection
        try:
            cursor.copy_expert(f"COPY ({query}) TO STDOUT (FORMAT csv)", self)
        finally:
            with self.lock:  # which a cancellation holds: it must not meet what comes next
                self.copying = None

    def write(self, line: bytes) -> None:
        """Take a row, as psycopg2 calls this for each (the protocol sends them one by one)."""
        self.rows.append(line[:-1])
        if len(self.rows) == ROWS_AT_ONCE:
            self._hand_on()

    def _hand_on(self) -> None:
        if self.rows:
            self._put(b"\r\n".join([*self.rows, b""]))
        self.rows = []

    def _put(self, part: bytes | Exception | None) -> None:
        while not self.stopped:
            try:
                self.queue.put(part, timeout=1)
                return
            except Full:
                continue


def _written_out(cursor: Any, connection: Connection, statement: AnySelect) -> str:
    """The statement with its values in it, quoted by psycopg2: COPY takes no parameters."""
    options = {"render_postcompile": True}
    compiled = statement.compile(dialect=connection.dialect, compile_kwargs=options)
    query: bytes = cursor.mogrify(compiled.string, compiled.params)
    return query.decode()
