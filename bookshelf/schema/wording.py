"""What `flask db` says of its commands, in words for a newcomer, and of steps that it misreads."""

import re
from collections.abc import Callable
from typing import Any

import click
from flask_migrate.cli import db as db_group

GROUP = """Bring the database to where the code is, or back, and write down how.

The usual way: change a model, `flask db migrate -m "what changes"`, read the file that it wrote,
`flask db plan`, `flask db upgrade`. docs/evolving-the-schema.md tells it step by step.
"""
COMMANDS = {
    "branches": "Show where the history forks; nothing while it is one line.",
    "check": "Tell whether models and database differ; exits 1 if they do.",
    "current": "Show at which revision the database stands.",
    "downgrade": """Go back: to a REVISION, or by steps; one step if nothing is said.

    Steps need two dashes before them: `flask db downgrade -- -2`. Where data would be lost it says
    so and stops; -x allow-data-loss=books.pages consents.
    """,
    "edit": "Open the file of a revision in $EDITOR.",
    "heads": "Show the newest revision; two or more if branches are not merged.",
    "history": "List the revisions, the newest first.",
    "init": "Make a new folder of migrations; done here long ago.",
    "list-templates": "List the templates of Flask-Migrate; ours is migrations/script.py.mako.",
    "merge": "Join the heads that two people wrote side by side.",
    "migrate": """Write a revision for what differs between the models and the database.

    No file if nothing does. Whether a column was renamed is asked; where nobody can be asked, say
    -x rename=authors.bio:biography (for each that was), or -x rename=no.
    """,
    "revision": "Write an empty revision, to be filled in by hand.",
    "show": "Show one revision: its number, what it follows, its file, its message.",
    "stamp": "Note that the database stands at a REVISION, and run nothing.",
    "upgrade": """Go on: to the newest revision, to a REVISION, or by steps (`+1`).

    `flask db plan` tells beforehand what would happen.
    """,
}
OPTIONS = {
    "autogenerate": "Fill it in, as `flask db migrate` does.",
    "branch_label": "A name for the branch that begins here.",
    "directory": 'Where the migrations are (default: "migrations").',
    "head": "The revision that this one is to follow (default: the newest).",
    "indicate_current": "Mark where the database stands.",
    "message": "What changes, in a few words; the file is named after them.",
    "purge": "Forget first where the database stood.",
    "rev_id": "Its number (default: the next).",
    "rev_range": "Only these: 0002:0004, or 0002:, or :current.",
    "splice": "Let it follow a revision that has a successor: a second head.",
    "sql": "Write the SQL to standard output, and run nothing.",
    "tag": "Not used here.",
    "verbose": "Tell more.",
    "version_path": "The folder of the file; there is one only.",
    "x_arg": "An answer or a consent, NAME=VALUE; may be given again.",
}
# By command: what steps look like that it would misread, and what is said of them.
STEPS = {
    "downgrade": {
        r"(?<!\S)(?<!-- )-(\d+)(?!\S)": (
            "steps back need two dashes before them: flask db downgrade -- -{0}"
        ),
        r"(?<!\S)\+(\d+)(?!\S)": "`downgrade` goes back; to go on: flask db upgrade +{0}",
    },
    "upgrade": {
        r"(?<!\S)-(\d+)(?!\S)": "`upgrade` goes on; to go back: flask db downgrade -- -{0}"
    },
}


def reword() -> None:
    """Give Flask-Migrate's own commands and options these words, and list none cut short."""
    db_group.help = GROUP
    for name, said in COMMANDS.items():
        db_group.commands[name].help = said
    for command in (db_group, *db_group.commands.values()):
        command.short_help = command.help.partition("\n")[0]
        for option in command.params:
            if isinstance(option, click.Option) and option.name in OPTIONS:
                option.help = OPTIONS[option.name]


def explain_steps() -> None:
    """Have `downgrade -2` and its like say in one line what to write instead; exit code 2."""
    for name, patterns in STEPS.items():
        command = db_group.commands[name]
        command.parse_args = _explaining(command.parse_args, patterns)


def _explaining(parse: Callable[..., Any], patterns: dict[str, str]) -> Callable[..., Any]:
    def parse_args(context: click.Context, arguments: list[str]) -> Any:
        for pattern, said in patterns.items():
            if steps := re.search(pattern, " ".join(arguments)):
                raise click.UsageError(said.format(steps[1]))
        return parse(context, arguments)

    return parse_args
