"""What squawk finds in the SQL of revisions, told at the line of the file that makes it.

They are written down for PostgreSQL, whatever database is configured, and none is needed: what is
harmless on SQLite may stop everybody there.
"""

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

from alembic.script import Script
from alembic.util import CommandError

from bookshelf.schema import revisions, rules, steps
from bookshelf.schema.steps import Move, Step

HOW_TO_INSTALL = "This needs squawk: run `pip install -r requirements-dev.txt`."
FORM = 'write lint_ok = {"rule": "reason"}'


class Finding(NamedTuple):
    """A risk, or a fault in what excepts one: where, which rule, and what to do instead."""

    path: Path
    line: int
    rule: str
    message: str
    remedy: str

    def __str__(self) -> str:
        here = Path.cwd()
        path = self.path.relative_to(here) if self.path.is_relative_to(here) else self.path
        return f"{path}:{self.line} {self.rule}: {self.message.rstrip('.')}; {self.remedy}"


def squawk() -> str | None:
    """The path of the program, beside Python or on PATH; None where it is not installed."""
    return shutil.which("squawk", path=Path(sys.executable).parent) or shutil.which("squawk")


def in_range(named: str | None) -> list[Script]:
    """The revisions "A:B" (after A, up to B; either may be left out), or "A" alone, or all.

    Raises CommandError for one that there is not.
    """
    known = revisions.read_anew()
    after, colon, to = (named or ":").partition(":")
    if not colon:
        return [_one(known.get_revision(after), after)]
    above = known.get_revision(after) if after else None
    found = known.walk_revisions(base=after or "base", head=to or "heads")
    return [revision for revision in found if revision is not above][::-1]


def _one(revision: Script | None, name: str) -> Script:
    if revision is None:
        raise CommandError(f"{name} is no revision")
    return revision


def look_at(found: Sequence[Script]) -> list[Finding]:
    """What is risky in the upgrades of these revisions and not excepted, file by file.

    Raises CommandError where squawk is absent, and for a revision that cannot be written as SQL.
    """
    program = squawk()
    if program is None:
        raise CommandError(HOW_TO_INSTALL)
    played = steps.written_for_postgresql([Move(one, is_upgrade=True) for one in found])
    risks = _squawk_at(program, played)
    return [
        finding
        for step in played
        for finding in _judged(step.revision, risks.get(step.revision.revision, []))
    ]


def _squawk_at(program: str, played: Sequence[Step]) -> dict[str, list[Finding]]:
    """Everything that squawk finds, by the number of the revision."""
    by_number = {step.revision.revision: step for step in played}
    risks: dict[str, list[Finding]] = {}
    for said in _run(program, played):
        number = Path(said["file"]).stem
        risks.setdefault(number, []).append(_finding(by_number[number], said))
    return {number: _without_vague(found) for number, found in risks.items()}


def _run(program: str, played: Sequence[Step]) -> list[dict[str, Any]]:
    """Run it once over a file for each revision, in a folder without settings of its own."""
    options = ["--reporter", "json"]
    options += [word for rule in rules.LEFT_OUT for word in ("--exclude", rule)]
    options += [word for rule in rules.ASKED_FOR for word in ("--include", rule)]
    with TemporaryDirectory() as folder:
        names = [f"{step.revision.revision}.sql" for step in played]
        for name, step in zip(names, played, strict=True):
            # A revision is a transaction; its first line of SQL follows in the second.
            Path(folder, name).write_text(f"BEGIN;\n{step.sql}\nCOMMIT;\n", "utf-8")
        if not names:
            return []
        finished = subprocess.run(  # noqa: S603  a path that we looked up, and names of our own
            [program, *options, *names], cwd=folder, capture_output=True, text=True, check=False
        )
    try:
        found: list[dict[str, Any]] = json.loads(finished.stdout)
    except ValueError as error:
        raise CommandError(f"squawk failed: {finished.stderr.strip()[:200]}") from error
    return found


def _finding(step: Step, said: dict[str, Any]) -> Finding:
    path, rule = Path(step.revision.path), said["rule_name"]
    position = said["line"] - 1  # which it counts from 0, as we do the lines after BEGIN
    line = step.lines[position] if 0 <= position < len(step.lines) else _line(path, "def upgrade")
    remedy = rules.SAFE_WAY.get(rule) or said["help"] or "do so in a later release"
    return Finding(path, line, rule, said["message"], remedy)


def _without_vague(found: list[Finding]) -> list[Finding]:
    precise = {finding.line for finding in found if finding.rule in rules.PRECISE}
    return [one for one in found if one.rule != rules.VAGUE or one.line not in precise]


def _judged(revision: Script, found: list[Finding]) -> Iterator[Finding]:
    """What is not excepted, and the exceptions that are wrong."""
    path = Path(revision.path)
    given = getattr(revision.module, "lint_ok", rules.LANDED.get(revision.revision, {}))
    excepted = given if isinstance(given, dict) else {"lint_ok": ""}
    line = _line(path, "lint_ok")
    seen = {finding.rule for finding in found}
    yield from dict.fromkeys(one for one in found if one.rule not in excepted)
    for rule, reason in excepted.items():
        if not isinstance(reason, str) or not reason.strip():
            yield Finding(path, line, rule, "An exception needs its reason", FORM)
        elif rule not in seen:
            yield Finding(path, line, rule, "This exception is not needed", "take it out")


def _line(path: Path, beginning: str) -> int:
    """The number of the first line that begins so; 1 if none does."""
    lines = path.read_text("utf-8").splitlines()
    return next((number for number, line in enumerate(lines, 1) if line.startswith(beginning)), 1)
