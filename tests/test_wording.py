"""What `flask db` says of itself: help that is not cut short, and steps that it would misread."""

import pytest
from conftest import Place
from flask import Flask
from flask_migrate.cli import db as db_group

from bookshelf.schema import wording

NOWHERE = "postgresql://ann:secret@127.0.0.1:1/nowhere"


@pytest.fixture
def app() -> Flask:
    """An application; no command here reaches its database."""
    return Place("postgresql", NOWHERE, NOWHERE).app()


def test_every_command_of_flask_migrate_has_our_words(app: Flask) -> None:
    theirs = {name for name in db_group.commands if "flask_migrate" in module_of(name)}
    assert theirs | {"migrate"} == set(wording.COMMANDS)


def module_of(name: str) -> str:
    """Where the function of a command stands."""
    return str(db_group.commands[name].callback.__module__)


def test_the_list_of_commands_cuts_no_sentence_short(app: Flask) -> None:
    listed = app.test_cli_runner().invoke(args=["db", "--help"]).output
    assert "..." not in listed.partition("Commands:")[2]
    assert "flask db plan" in listed


@pytest.mark.parametrize("name", ["migrate", "upgrade", "downgrade", "revision", "lint"])
def test_each_option_is_explained_in_our_words(name: str, app: Flask) -> None:
    said = app.test_cli_runner().invoke(args=["db", name, "--help"]).output
    for obscure in ("env.py", "hardcoded", "Additional arguments", "Arbitrary"):
        assert obscure not in said


@pytest.mark.parametrize(
    ("words", "instead"),
    [
        ("downgrade -2", "flask db downgrade -- -2"),
        ("downgrade --sql -12", "flask db downgrade -- -12"),
        ("downgrade +1", "flask db upgrade +1"),
        ("downgrade -- +1", "flask db upgrade +1"),
        ("upgrade -1", "flask db downgrade -- -1"),
        ("upgrade -- -3", "flask db downgrade -- -3"),
    ],
)
def test_a_step_that_would_be_misread_says_in_one_line_what_to_write(
    words: str, instead: str, app: Flask
) -> None:
    refused = app.test_cli_runner().invoke(args=["db", *words.split()])
    assert refused.exit_code == 2
    assert refused.output.startswith("Error: ")
    assert refused.output.endswith(f"{instead}\n")
    assert refused.output.count("\n") == 1
