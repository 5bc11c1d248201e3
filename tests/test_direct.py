"""A pooler in transaction mode is recognised for certain, and nothing else is taken for one."""

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psycopg2
import pytest
import servers
from conftest import Place, have, run_flask
from sqlalchemy import Engine, NullPool, create_engine

from bookshelf.schema import pooler

TURNS = 7
CLIENTS = 4
POOL_SIZES = [1, 3, 20]
LETS_OPTIONS_PASS = "ignore_startup_parameters = options\n"


def engine_to(server: servers.Server) -> Engine:
    """An engine that asks for start-up options, as the one that migrates does."""
    url = server.url("postgres").replace("postgresql://", "postgresql+psycopg2://")
    return create_engine(url, poolclass=NullPool, connect_args={"options": "-c lock_timeout=1s"})


@pytest.fixture(params=POOL_SIZES)
def lenient_pooler(
    request: pytest.FixtureRequest, postgresql: servers.Server
) -> Iterator[servers.Server]:
    """A pooler that takes start-up options and drops them, so that only the probe finds it."""
    have(servers.find_pgbouncer)
    with servers.pgbouncer(postgresql, pool_size=request.param, more=LETS_OPTIONS_PASS) as found:
        yield found


@contextmanager
def load(server: servers.Server) -> Iterator[None]:
    """Other clients who read all the while."""
    done, ready = threading.Event(), threading.Barrier(CLIENTS + 1)

    def read() -> None:
        client = psycopg2.connect(server.url("postgres"))
        client.autocommit = True
        ready.wait(30)
        while not done.is_set():
            client.cursor().execute("SELECT count(*) FROM generate_series(1, 2000)")
        client.close()

    with ExitStack() as stack:
        for _ in range(CLIENTS):
            thread = threading.Thread(target=read)
            thread.start()
            stack.callback(thread.join)
        stack.callback(done.set)
        ready.wait(30)
        yield


def test_the_probe_finds_a_pooler_idle_and_under_load(lenient_pooler: servers.Server) -> None:
    engine = engine_to(lenient_pooler)
    assert [pooler.reason(engine) for _ in range(TURNS)] == [pooler.BY_PROBE] * TURNS
    with load(lenient_pooler):
        assert [pooler.reason(engine) for _ in range(TURNS)] == [pooler.BY_PROBE] * TURNS


def test_a_direct_connection_is_never_taken_for_one(postgresql: servers.Server) -> None:
    engine = engine_to(postgresql)
    assert [pooler.reason(engine) for _ in range(TURNS)] == [None] * TURNS
    with load(postgresql):
        assert [pooler.reason(engine) for _ in range(TURNS)] == [None] * TURNS


def test_a_pooler_that_keeps_to_sessions_is_as_good_as_direct(postgresql: servers.Server) -> None:
    have(servers.find_pgbouncer)
    with servers.pgbouncer(postgresql, pool_mode="session", more=LETS_OPTIONS_PASS) as found:
        assert pooler.reason(engine_to(found)) is None


def test_start_up_options_that_are_refused_tell_before_the_probe(
    pgbouncer: servers.Server,
) -> None:
    assert pooler.reason(engine_to(pgbouncer)) == pooler.BY_REFUSAL


@pytest.mark.parametrize(
    ("more", "why"), [("", pooler.BY_REFUSAL), (LETS_OPTIONS_PASS, pooler.BY_PROBE)]
)
def test_the_refusal_says_in_one_line_which_url_and_why_and_what_to_set(
    more: str,
    why: str,
    postgresql: servers.Server,
    checkout: Path,
    create_place: Callable[..., Place],
) -> None:
    have(servers.find_pgbouncer)
    name = create_place("postgresql").serving.rpartition("/")[2]
    with servers.pgbouncer(postgresql, more=more) as found:
        pooled = Place("pgbouncer", found.url(name), found.url(name))
        said = run_flask(checkout, pooled, "db upgrade", status=1)
    assert said.count("\n") == 1
    assert "the URL for migrating (DATABASE_URL_UNPOOLED) leads to a connection pooler" in said
    assert why in said
    assert "set DATABASE_URL_UNPOOLED to the direct URL" in said
