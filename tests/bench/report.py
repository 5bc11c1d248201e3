"""What was measured, as docs/performance.md."""

import os
import platform
import sqlite3
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from bench.beside import PEERS
from bench.exporting import Exported
from bench.filling import ROOT, Shelf
from bench.loading import LOADING_GOAL
from bench.measuring import Effort, Measured, Run
from bench.searching import Searched

NAMES = {"postgresql": "PostgreSQL", "sqlite": "SQLite"}
GOAL, CROWD_GOAL, GROWTH_GOAL = 2.0, 10.0, 1.2
COLUMNS = (
    "page",
    "ms",
    "p95",
    "limit",
    "ratio",
    "best peer",
    "statements",
    "{clients} clients, p95",
    "over own median",
)
Growth = Mapping[Shelf, Mapping[str, float]]  # by larger shelf and line: times of the smallest one

INTRODUCTION = """# How quick the pages are

Written by `{command}`
on {day}, at revision {revision}. Ratios matter, not milliseconds: in the same run, on the same
machine, *the limit* answers the same question in the same layout. It is a bare Flask application
under the same gunicorn, which reads the session, loads the person with one statement, asks the best
SQL by {drivers}, writes the rows
out, or what was typed in, and packs the page in the same way.
One client asks Bookshelf and the limit in turn, and a ratio is the median of such pairs, so that
a machine which changes its speed meanwhile changes it for both; then {clients} clients ask
Bookshelf at once.

* Machine: {machine}; load before the end of the run {load}.
* {versions}.
* gunicorn as in production, two workers; PostgreSQL as in the tests (no `fsync`), with 1 GB of
  shared buffers and `random_page_cost` 1.1; SQLite in WAL mode with `synchronous=FULL`.
* Each line {seconds:g} s by one client and {seconds:g} s by {clients}. Milliseconds are medians of
  whole requests, read to the last byte.
* *Best peer* is the best ratio of Django admin, Flask-Admin and SQLAdmin (with trigram indexes
  where they help) to *their* limit, measured elsewhere, at L on PostgreSQL, only Django's with a
  sign-in. *On equal terms* stand Flask-Admin and SQLAdmin in the same run, asked in turn with
  Bookshelf and the limit: signed in, with a statement for the person, and a token where they have
  one.
* The goals: a ratio of 2 at most; the p95 of {clients} clients within 10 times the own median of
  one client; no page at a larger size slower than 1.2 times the same page at S.
"""


def written(runs: Sequence[Run], growth: Growth, effort: Effort, command: str) -> str:
    """The whole document."""
    measured = (_run(run, effort) for run in runs)
    return "\n".join([_introduction(effort, command), *measured, *_grown(growth)])


def _introduction(effort: Effort, command: str) -> str:
    drivers = f"psycopg2 {version('psycopg2-binary')} or Python’s sqlite3"
    return INTRODUCTION.format(
        command=command,
        day=f"{datetime.now(UTC):%-d %B %Y}",
        revision=_output("git", "rev-parse", "--short", "HEAD"),
        drivers=drivers,
        clients=effort.clients,
        seconds=effort.seconds,
        machine=_machine(),
        load=f"{os.getloadavg()[1]:.1f}",
        versions=_versions(),
    )


def _machine() -> str:
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    model = next((line.split(": ")[1] for line in lines if line.startswith("model name")), "")
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return f"{os.cpu_count()} cores, {model or platform.machine()}, {memory:.0f} GB"


def _versions() -> str:
    names = ("Flask", "SQLAlchemy", "gunicorn")
    libraries = ", ".join(f"{name} {version(name)}" for name in names)
    python, sqlite = platform.python_version(), sqlite3.sqlite_version
    return f"Python {python}, {libraries}, SQLite {sqlite}"


def _output(*command: str) -> str:
    return subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, check=False
    ).stdout.strip()


def _run(run: Run, effort: Effort) -> str:
    shelf = run.shelf
    rows = [_row(measured) for measured in run.measured]
    lines = [
        f"## {_name(shelf)}: {shelf.authors:,} authors, {shelf.books:,} books",
        "",
        *_table([column.format(clients=effort.clients) for column in COLUMNS], rows),
        "",
        *_beside(run),
        _goals(run),
        *map(_searched, run.searched),
        _filling(run),
        _export(run.exported),
        f"* The list of books for the first time, packed: {run.weight.html / 1000:.1f} KB of HTML,"
        f" {run.weight.styles_and_scripts / 1000:.1f} KB of CSS and script, in"
        f" {run.weight.requests} requests.",
        f"* Cold start, to the first answer: {run.began_in:.2f} s;"
        f" the limit {run.limit_began_in:.2f} s.",
        f"* The larger worker holds {run.memory:.0f} MB after all this.",
        "",
    ]
    return "\n".join(lines)


def _beside(run: Run) -> list[str]:
    """The peers on equal terms, as ratios to the limit, if they were asked."""
    rows = [
        (one.line.name, *(f"{times.over(one.times.limit):.2f}" for times in asked))
        for one in run.measured
        if (asked := [one.times.alone, *one.times.peers])[1:]
    ]
    names = ["times the limit, on equal terms", "Bookshelf", *(peer.name for peer in PEERS)]
    return [*_table(names, rows), ""] if rows else []


def _goals(run: Run) -> str:
    """How many lines reach the goals, and what a page costs that shows no rows at all."""
    count, near = len(run.measured), [one for one in run.measured if one.ratio <= GOAL]
    calm = [one for one in run.measured if one.crowding <= CROWD_GOAL]
    ahead = [one for one in run.measured if one.line.peers and one.ratio < one.line.peers]
    compared = sum(one.line.peers is not None for one in run.measured)
    form = next(one for one in run.measured if one.line.template == "form")
    return (
        f"* Within {GOAL:g} times the limit: {len(near)} of {count} lines; within {CROWD_GOAL:g}"
        f" times when crowded: {len(calm)}; nearer to the limit than the best peer to its own:"
        f" {len(ahead)} of {compared}.\n"
        f"* The form, which shows no rows, takes {form.times.alone.median:.1f} ms, and the limit"
        f" {form.times.limit.median:.1f}: so much every page pays for the layout, its links and"
        " tokens, the session and the person."
    )


def _searched(found: Searched) -> str:
    """Beside the lines, which are always about the same words."""
    return (
        f"* {found.name}, {found.searches} searches with words of random books:"
        f" half take at most {found.median:.1f} ms, nine tenths {found.p90:.1f},"
        f" all {found.longest:.1f}."
    )


def _filling(run: Run) -> str:
    seconds, bare = run.shelf.seconds, run.bare_load
    said = f"* Filled by `flask seed --random {run.shelf.authors}` in {seconds:.1f} s"
    if bare is None:
        return f"{said}."
    where = "COPY alone into the same tables with their indexes"
    if bare >= seconds / LOADING_GOAL:
        return f"{said}: within {LOADING_GOAL} times {where}, which was then stopped."
    return f"{said}: {seconds / bare:.1f} times the {bare:.1f} s of {where}."


def _export(file: Exported) -> str:
    return (
        f"* All books as CSV: {file.seconds:.2f} s, {file.seconds / file.bare:.1f} times what the"
        f" database takes to write the same columns; {file.size:.0f} MB, the first byte after"
        f" {file.first * 1000:.0f} ms; the larger worker held {file.held_before:.0f} MB before,"
        f" {file.held_at_most:.0f} MB at most."
    )


def _name(shelf: Shelf) -> str:
    return f"{NAMES[shelf.kind]}, {shelf.size.upper()}"


def _row(measured: Measured) -> list[str]:
    line, (alone, limit, crowd, _) = measured.line, measured.times
    return [
        line.name,
        f"{alone.median:.1f}",
        f"{alone.p95:.1f}",
        f"{limit.median:.1f}",
        f"{measured.ratio:.1f}",
        f"{line.peers:.1f}" if line.peers else "",
        "" if measured.statements is None else str(measured.statements),
        f"{crowd.p95:.1f}",
        f"{measured.crowding:.1f}",
    ]


def _grown(growth: Growth) -> Iterator[str]:
    """Each page at a larger size over the same page at the smallest one."""
    for shelf, times in growth.items():
        slower = [name for name, more in times.items() if more > GROWTH_GOAL]
        yield f"## {_name(shelf)} over S, asked in turn\n"
        yield f"Slower than {GROWTH_GOAL:g} times: {'; '.join(slower) or 'no page'}.\n"
        rows = [[name, f"{more:.2f}"] for name, more in times.items()]
        yield "\n".join([*_table(["page", "times as long as at S"], rows), ""])


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    yield f"| {' | '.join(head)} |"
    yield f"|---{'|---:' * (len(head) - 1)}|"
    for row in rows:
        yield f"| {' | '.join(row)} |"
