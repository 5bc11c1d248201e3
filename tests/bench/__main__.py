"""`make bench SIZE=s|m|l`: fill, serve, drive, and write docs/performance.md."""

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from bench.beside import install
from bench.filling import ROOT, SIZES, Shelf, filled
from bench.growing import grown
from bench.loading import bare_load
from bench.measuring import Effort, Run, run
from bench.report import written

KINDS = ["postgresql", "sqlite"]
GROWING = ["s", "m", "l"]
FLAGS = {
    "large-sqlite": "not only S on SQLite",
    "peers": "put Flask-Admin and SQLAdmin beside the lines that do not grow with the shelf",
    "loading": "compare filling with COPY alone, stopped once filling is within its goal",
}


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure at the size, and first at the smaller ones, beside which it is held."""
    asked = _parser().parse_args(arguments)
    sizes = GROWING[: GROWING.index(asked.size) + 1] if asked.size in GROWING else [asked.size]
    effort = Effort(asked.seconds, asked.clients, asked.peers)
    if asked.peers:
        install()
    runs: list[Run] = []
    growth: dict[Shelf, Mapping[str, float]] = {}
    for kind in asked.databases:
        # SQLite is for small shelves; a large one is measured there only when told.
        fitting = sizes if kind == "postgresql" or asked.large_sqlite else sizes[:1]
        with filled(kind, fitting) as shelves:
            measured = [run(shelf, effort) for shelf in shelves]
            growth |= {shelf: grown(shelves[0], shelf, asked.seconds) for shelf in shelves[1:]}
            if asked.loading and kind == "postgresql":  # last, as the server is busy afterwards
                measured = [replace(one, bare_load=bare_load(one.shelf)) for one in measured]
            runs += measured
    asked.output.write_text(written(runs, growth, effort, _command(asked)), encoding="utf-8")
    print(f"Written to {asked.output}")


def _command(asked: argparse.Namespace) -> str:
    """What to type for the same run."""
    usual = _parser().parse_args([])
    changed = []
    if asked.databases != usual.databases:
        changed.append(f"--databases {' '.join(asked.databases)}")
    changed += [f"--{flag}" for flag in FLAGS if vars(asked)[flag.replace("-", "_")]]
    if (asked.seconds, asked.clients) != (usual.seconds, usual.clients):
        changed.append(f"--seconds {asked.seconds:g} --clients {asked.clients}")
    options = f' ARGS="{" ".join(changed)}"' if changed else ""
    return f"make bench SIZE={asked.size}{options}"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--size", choices=SIZES, default="s", help="how many authors (default: s)")
    parser.add_argument("--databases", nargs="+", choices=KINDS, default=KINDS)
    for flag, meaning in FLAGS.items():
        parser.add_argument(f"--{flag}", action="store_true", help=meaning)
    parser.add_argument("--seconds", type=float, default=2, help="for each line, twice")
    parser.add_argument("--clients", type=int, default=8, help="how many ask at once")
    parser.add_argument("--output", type=Path, default=ROOT / "docs/performance.md")
    return parser


if __name__ == "__main__":
    main()
