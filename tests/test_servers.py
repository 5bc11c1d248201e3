"""The servers below the other tests: real, as strict as in production, and gone afterwards."""

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg2
import pytest
import servers

# Says where both servers are, then waits until standard input ends.
BOTH = """
import sys, servers
with servers.postgresql() as server, servers.pgbouncer(server) as pooler:
    print(server.url("postgres"), pooler.url("postgres"), flush=True)
    sys.stdin.read()
"""


@contextlib.contextmanager
def needed() -> Iterator[None]:
    """Skip where a part is missing, and fail where BOOKSHELF_REQUIRE names it."""
    try:
        yield
    except servers.Missing as missing:
        if missing.part in os.environ.get("BOOKSHELF_REQUIRE", "").split(","):
            pytest.fail(str(missing))
        pytest.skip(str(missing))


@pytest.fixture(scope="module")
def server() -> Iterator[servers.Server]:
    with needed(), servers.postgresql() as running:
        yield running


@pytest.fixture(scope="module")
def pooler(server: servers.Server) -> Iterator[servers.Server]:
    with needed(), servers.pgbouncer(server, pool_size=1) as running:
        yield running


def ask(connection: psycopg2.extensions.connection, question: str) -> object:
    with connection.cursor() as cursor:
        cursor.execute(question)
        return cursor.fetchone()[0]


def answer(url: str, question: str) -> object:
    with contextlib.closing(psycopg2.connect(url)) as connection:
        return ask(connection, question)


def is_running(pid: int) -> bool:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, 0)
        return True
    return False


def listens(url: str) -> bool:
    with contextlib.suppress(psycopg2.OperationalError):
        psycopg2.connect(url).close()
        return True
    return False


def running_elsewhere() -> subprocess.Popen[str]:
    """Both servers, started by a process that may be killed."""
    return subprocess.Popen(
        [sys.executable, "-c", BOTH],
        cwd=Path(__file__).parent,
        env={name: os.environ[name] for name in os.environ if name != "TEST_DATABASE_URL"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )


def test_a_query_comes_back_through_both(server: servers.Server, pooler: servers.Server) -> None:
    for through in (server, pooler):
        assert answer(through.url("postgres"), "SELECT current_user") == server.user


def test_case_and_trigrams_know_letters_beyond_ascii(server: servers.Server) -> None:
    with contextlib.closing(psycopg2.connect(server.url("postgres"))) as connection:
        ask(connection, "CREATE EXTENSION IF NOT EXISTS pg_trgm; SELECT 1")
        assert ask(connection, "SELECT 'Ödön' ILIKE 'öDÖN' AND similarity('Ödön', 'ödön') = 1")


def test_clients_share_a_connection_between_transactions(pooler: servers.Server) -> None:
    connections = [psycopg2.connect(pooler.url("postgres")) for _ in range(2)]
    pids = set()
    for connection in connections:
        pids.add(ask(connection, "SELECT pg_backend_pid()"))
        connection.rollback()
    assert len(pids) == 1
    for connection in connections:
        connection.close()


def test_the_pooler_refuses_start_up_options(pooler: servers.Server) -> None:
    with pytest.raises(psycopg2.OperationalError, match="unsupported startup parameter"):
        psycopg2.connect(pooler.url("postgres"), options="-c statement_timeout=1000")


@pytest.mark.parametrize("end", ["communicate", "kill"])
def test_nothing_stays_behind_when_the_tests_end_in_order_or_not(end: str) -> None:
    with needed():
        servers.find_postgresql()
        servers.find_pgbouncer()
    with running_elsewhere() as tests:
        assert tests.stdout
        urls = tests.stdout.readline().split()
        folder = Path(str(answer(urls[1], "SHOW data_directory")))
        pid = int(str(answer(urls[1], "SELECT pg_read_file('postmaster.pid')")).split()[0])
        assert folder.exists()
        assert is_running(pid)
        getattr(tests, end)()
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline and (folder.exists() or is_running(pid)):
        time.sleep(0.05)
    assert not folder.exists()
    assert not is_running(pid)
    assert not any(map(listens, urls))
