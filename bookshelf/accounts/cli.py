"""`flask users`: people, for scripts and for whoever has no browser at hand."""

import secrets
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import click
from flask import Blueprint

from bookshelf.accounts import queries, services, sessions
from bookshelf.accounts.models import User
from bookshelf.core.db import db
from bookshelf.core.permissions import Role
from bookshelf.core.problems import Problem
from bookshelf.schema.guard import saying_what_fails
from bookshelf.web.log import log

users = Blueprint("users", __name__, cli_group="users")
users.cli.help = "Add people, and decide what they may do."

ROLES = click.Choice([role.value for role in Role])


@contextmanager
def _committing() -> Iterator[None]:
    """Commit at the end of the block; a Problem ends the command with one line."""
    with saying_what_fails():
        try:
            yield
            db.session.commit()
        except Problem as problem:
            raise click.ClickException(problem.message) from None


@users.cli.command("create")
@click.argument("email")
@click.option("--role", type=ROLES, required=True, help="What the person may do.")
@click.option("--name", help="What the person is called.")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")
@click.option("--link", is_flag=True, help="Print a one-time link to choose a password with.")
@click.option("--address", default="http://127.0.0.1:8000", help="Where Bookshelf is.")
def create(
    email: str, role: str, name: str | None, password_stdin: bool, link: bool, address: str
) -> None:
    """Add a person; asks for the password unless told otherwise."""
    if link and password_stdin:
        raise click.UsageError("A link is for choosing a password: leave out --password-stdin.")
    password = None if link else _password(password_stdin)
    with _committing():
        user = services.create_user(email=email, role=Role(role), name=name, password=password)
    log.info("role changed", user=user.id, role=role)
    click.echo(sessions.link_for(user, address) if link else f"{user.email} may sign in now.")


@users.cli.command("list")
def everybody() -> None:
    """List people: address, role, and whether they can sign in."""
    with saying_what_fails():
        for user in db.session.scalars(db.select(User).order_by(User.email)):
            state = "invited" if user.password is None else "active"
            click.echo(f"{user.email:<40} {user.role:<14} {state if user.active else 'disabled'}")


@users.cli.command("set-role")
@click.argument("email")
@click.argument("role", type=ROLES)
def set_role(email: str, role: str) -> None:
    """Change what a person may do."""
    with _committing():
        user = _user(email)
        services.set_role(user, Role(role))
    log.info("role changed", user=user.id, role=role)


@users.cli.command("disable")
@click.argument("email")
def disable(email: str) -> None:
    """Let a person in no more, from this moment on."""
    with _committing():
        services.set_active(user := _user(email), False)
    log.info("person disabled", user=user.id)


@users.cli.command("enable")
@click.argument("email")
def enable(email: str) -> None:
    """Let a person in again."""
    with _committing():
        services.set_active(user := _user(email), True)
    log.info("person enabled", user=user.id)


@users.cli.command("link")
@click.argument("email")
@click.option("--address", default="http://127.0.0.1:8000", help="Where Bookshelf is.")
def link(email: str, address: str) -> None:
    """Print a one-time link with which a person chooses a password; older ones end."""
    with _committing():
        user = _user(email)
        services.renew_link(user)
    log.info("link made", user=user.id)
    click.echo(sessions.link_for(user, address))


@users.cli.command("welcome-key", hidden=True)
def welcome_key() -> None:
    """Print a new key for the first administrator, or nothing once there is anybody."""
    with saying_what_fails():
        if queries.nobody_yet():
            click.echo(secrets.token_urlsafe(32))


def _password(from_stdin: bool) -> str:
    if from_stdin:
        try:
            line: bytes = sys.stdin.buffer.readline()
            return line.decode().rstrip("\r\n")
        except UnicodeDecodeError:
            raise click.ClickException("The password is no text in UTF-8.") from None
    typed: str = click.prompt("Password", hide_input=True, confirmation_prompt=True)
    return typed


def _user(email: str) -> User:
    if (user := queries.user_of(email)) is None:
        raise Problem(f"Nobody has the address {email}.")
    return user
