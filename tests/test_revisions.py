"""Where a database stands against the code, in straight, forked, merged and unknown histories."""

from collections.abc import Callable
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from conftest import HEAD, Place, ask, migrating

from bookshelf.schema import revisions

# A forked history, merged: 1 - 2 - 3 - 5 - 6, and 2 - 4 - 5.
BELOW = {"1": None, "2": "1", "3": "2", "4": "2", "5": ("3", "4"), "6": "5"}


def history(folder: Path, *numbers: str) -> ScriptDirectory:
    """A release that knows some of the revisions."""
    (folder / "versions").mkdir()
    for number in numbers:
        code = f"revision, down_revision = {number!r}, {BELOW[number]!r}\n"
        (folder / f"versions/{number}.py").write_text(code)
    return ScriptDirectory(str(folder))


@pytest.mark.parametrize(
    ("known", "stands_at", "lacks"),
    [
        ("123456", "", "123456"),
        ("123456", "2", "3456"),
        ("123456", "34", "56"),
        ("123456", "3", "456"),
        ("123456", "6", ""),
        # The release before the merge, with both heads.
        ("1234", "34", ""),
        ("1234", "3", "4"),
        ("1234", "5", ""),
        # What it does not know stands upon all that it knows ...
        ("123", "6", ""),
        ("123", "4 3", ""),
        # ... but not upon a head beside it, nor upon what comes after that head.
        ("123", "4 2", "3"),
        ("123", "9 1", "23"),
        ("1234", "9 3", ""),
        ("1234", "9 2", "34"),
    ],
)
def test_what_a_database_lacks(known: str, stands_at: str, lacks: str, tmp_path: Path) -> None:
    heads = tuple(stands_at.split() if " " in stands_at else stands_at)
    found = revisions.lacking(heads, history(tmp_path, *known))
    names = [revision.revision for revision in found]
    assert sorted(names) == list(lacks)
    for number in names:
        below = BELOW[number] or ()
        assert not [name for name in below if name in names[names.index(number) :]]


@pytest.mark.parametrize("place", ["sqlite"], indirect=True)
def test_a_newer_database_is_said_to_be_newer(place: Place) -> None:
    with place.app().app_context():
        assert revisions.standing_in_words((HEAD,)) == HEAD
        newer = f"0999, newer than this code knows ({HEAD})"
        assert revisions.standing_in_words(("0999",)) == newer


ASKED: list[Callable[[Config], object]] = [
    command.current,
    command.check,
    lambda config: command.upgrade(config, "head"),
    lambda config: command.downgrade(config, "0003"),
    lambda config: command.revision(config, "x", autogenerate=True),
]


def test_a_command_says_that_the_database_is_newer(empty_place: Place, checkout: Path) -> None:
    with migrating(empty_place, checkout) as config:
        command.upgrade(config, "head")
        ask(empty_place, "UPDATE alembic_version SET version_num = '0999'")
        said = (
            f"the database is at 0999, newer than this code knows ({HEAD}); use the newer release"
        )
        for asked in ASKED:
            with pytest.raises(CommandError) as refused:
                asked(config)
            assert str(refused.value) == said
        ask(empty_place, f"UPDATE alembic_version SET version_num = '{HEAD}'")
        with pytest.raises(CommandError, match="Can't locate revision identified by '0998'"):
            command.upgrade(config, "0998")
