"""`flask users`: people managed by commands, each of which says in one line why it cannot."""

import re
from contextvars import Context

import pytest
from accounts import LAST, PASSWORD, add, is_known, people, sign_in
from flask import Flask
from house import HousekeepingClient as Client
from house import stranger

from bookshelf.core.db import db
from bookshelf.core.permissions import Role

pytestmark = pytest.mark.parametrize("place", ["sqlite", "postgresql"], indirect=True)


def run(app: Flask, *arguments: str, typed: str | None = None) -> tuple[int, str]:
    """What `flask users` prints, and how it ends."""
    db.session.commit()
    runner = app.test_cli_runner()
    result = Context().run(runner.invoke, args=["users", *arguments], input=typed)
    db.session.expire_all()
    return result.exit_code, result.output


def test_people_are_managed_by_commands(app: Flask, client: Client) -> None:
    create = ("create", "Ann@example.org", "--role", "editor")
    assert run(app, *create, "--password-stdin", typed=f"{PASSWORD}\n")[0] == 0
    assert sign_in(client) == 302
    assert run(app, "set-role", "ann@example.org", "viewer")[0] == 0
    assert not is_known(client)
    assert run(app, "disable", "ANN@example.org")[0] == 0
    assert sign_in(client) == 422
    assert re.search(r"ann@example.org +viewer +disabled", run(app, "list")[1])
    assert run(app, "enable", "ann@example.org")[0] == 0
    assert sign_in(client) == 302


def test_a_command_asks_for_the_password_or_prints_a_link(app: Flask) -> None:
    asked = run(app, "create", "a@example.org", "--role", "viewer", typed=f"{PASSWORD}\n" * 2)
    assert asked[0] == 0
    assert PASSWORD not in asked[1]
    address = ("--link", "--address", "https://books.example.org")
    code, printed = run(app, "create", "b@example.org", "--role", "viewer", *address)
    assert code == 0
    link = re.findall(r"https://books\.example\.org(/invitation/\S+)", printed)[0]
    assert stranger(app).get(link).status_code == 200
    newer = re.findall(r"(/invitation/\S+)", run(app, "link", "b@example.org")[1])[0]
    assert stranger(app).get(link).status_code == 404
    assert stranger(app).get(newer).status_code == 200


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("create", "ann", "--role", "viewer"), "This is no e-mail address."),
        (("create", "ann@example.org", "--role", "viewer"), "Somebody has this address already."),
        (("set-role", "no@example.org", "viewer"), "Nobody has the address no@example.org."),
        (("disable", "ann@example.org"), LAST),
        (("set-role", "ann@example.org", "viewer"), LAST),
    ],
)
def test_a_command_that_cannot_be_done_says_why_in_one_line(
    app: Flask, arguments: tuple[str, ...], said: str
) -> None:
    add(role=Role.ADMINISTRATOR)
    more = ("--password-stdin",) if arguments[0] == "create" else ()
    code, printed = run(app, *arguments, *more, typed=f"{PASSWORD}\n")
    assert (code, printed) == (1, f"Error: {said}\n")


def test_a_password_that_is_no_text_is_refused_in_one_line(app: Flask) -> None:
    db.session.commit()
    create = ["users", "create", "a@example.org", "--role", "viewer", "--password-stdin"]
    result = Context().run(app.test_cli_runner().invoke, args=create, input=b"\xff\xfeaaaaaaaa\n")
    assert result.output == "Error: The password is no text in UTF-8.\n"


def test_a_link_and_a_password_together_are_refused(app: Flask) -> None:
    both = ("--link", "--password-stdin")
    assert run(app, "create", "a@example.org", "--role", "viewer", *both, typed="x\n")[0] == 2
    assert people() == []


def test_a_password_that_will_not_do_is_refused_by_the_command_too(app: Flask) -> None:
    create = ("create", "a@example.org", "--role", "viewer", "--password-stdin")
    code, printed = run(app, *create, typed="short\n")
    assert code == 1
    assert "A password has 8 to 128 characters" in printed
    assert people() == []


def test_a_key_is_made_only_while_there_is_nobody(app: Flask) -> None:
    keys = {run(app, "welcome-key")[1] for _ in range(2)}
    assert len(keys) == 2
    assert all(len(key) > 40 for key in keys)
    add()
    assert run(app, "welcome-key") == (0, "")
