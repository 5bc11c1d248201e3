"""People who have a password: added, signed in, seen as they now are; tries that are kept."""

from typing import Any

from conftest import Place, ask
from house import HousekeepingClient as Client

from bookshelf.accounts import services
from bookshelf.accounts.models import User
from bookshelf.core.db import db
from bookshelf.core.permissions import Role

PASSWORD = "correct horse battery"
LAST = "This is the last administrator who can sign in. Make somebody else one first."


def add(email: str = "ann@example.org", role: Role = Role.EDITOR, **given: Any) -> User:
    """Somebody with a password."""
    user = services.create_user(email=email, role=role, **({"password": PASSWORD} | given))
    db.session.commit()
    return user


def sign_in(client: Client, email: str = "ann@example.org", password: str = PASSWORD) -> int:
    """Sign in as a person does; the status of the answer."""
    client.sign_in(None)
    return client.submit("/login", email=email, password=password).status_code


def is_known(client: Client) -> bool:
    """Whether the account page opens."""
    return client.get("/account").status_code == 200


def people() -> list[tuple[str, str, bool]]:
    """Everybody, as they now are."""
    db.session.rollback()
    columns = (User.email, User.role, User.active)
    return [tuple(row) for row in db.session.execute(db.select(*columns).order_by(User.id))]


def kept(place: Place) -> dict[str, int]:
    """How many tries are kept, by account."""
    rows = ask(place, "SELECT account, moments FROM sign_in_tries")
    return {account: moments.count(".") for account, moments in rows}
