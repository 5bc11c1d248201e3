"""What is done to people; the caller commits.

Hashing takes long, and SQLite has one write lock: who hashes a password has ended the transaction.
"""

from sqlalchemy import text, update
from sqlalchemy.orm.attributes import set_committed_value

from bookshelf.accounts import addresses, passwords, queries
from bookshelf.accounts.models import User, new_epoch
from bookshelf.core.db import db
from bookshelf.core.permissions import Role
from bookshelf.core.problems import Problem, flushing

MEANINGS = {"uq_users_email": ("Somebody has this address already.", "email")}
LAST = "This is the last administrator who can sign in. Make somebody else one first."


def create_user(
    *, email: str, role: Role, name: str | None = None, password: str | None = None
) -> User:
    """Add a person; without a password they need a link to choose one. Raises Problem."""
    address, hashed = _normalised(email), _hashed(password)
    user = User(email=address, role=role.value, name=name or "", password=hashed)
    with flushing(MEANINGS):
        db.session.add(user)
    return user


def create_first_administrator(*, email: str, name: str | None, password: str) -> User:
    """Add the administrator of an empty table; raises Problem where somebody was quicker."""
    address, hashed = _normalised(email), _hashed(password)
    _lock()
    if not queries.nobody_yet():
        raise Problem("Bookshelf has an administrator by now. Ask them for a link.")
    user = User(email=address, role=Role.ADMINISTRATOR.value, name=name or "", password=hashed)
    db.session.add(user)
    db.session.flush()
    return user


def authenticate(*, email: str, password: str) -> User | None:
    """The active person with this address and password, else None after as much work.

    It ends the transaction, in which nothing may be pending.
    """
    user = queries.user_of(email)
    stored = user.password if user else None
    if user:
        db.session.expunge(user)  # so that it is still known afterwards
    db.session.rollback()
    fits, renewed = passwords.verify(password, stored)
    if user is None:
        return None
    db.session.add(user)
    if renewed:
        _renew(user, renewed)
    return user if fits and user.active else None


def set_password(user: User, password: str) -> None:
    """Change a password, which ends all sessions and links of the person; raises Problem."""
    user.password = passwords.hashed(password)
    end_sessions(user)


def end_sessions(user: User) -> None:
    """End all sessions and links of a person; raises Stale where somebody else has just done it."""
    with flushing({}):
        user.fs_uniquifier = new_epoch()


def renew_link(user: User) -> None:
    """End the links of a person before a new one is made; raises Problem for a disabled one."""
    if not user.active:
        raise Problem("Enable this person first: a link would not open.")
    end_sessions(user)


def rename(user: User, name: str | None) -> None:
    """Change what a person is called."""
    with flushing({}):
        user.name = name or ""


def set_role(user: User, role: Role) -> None:
    """Change what a person may do; raises Problem for the last administrator."""
    _change(user, role=role.value)


def set_active(user: User, active: bool) -> None:
    """Disable or enable a person; raises Problem for the last administrator."""
    _change(user, active=active)


def _change(user: User, **values: object) -> None:
    """Change a person and end their sessions, alone, so that one administrator is always left."""
    _lock()
    before = queries.administrators()
    with flushing({}):
        for name, value in values.items():
            setattr(user, name, value)
        if user.password is not None and db.session.is_modified(user):
            user.fs_uniquifier = new_epoch()  # who has no password yet keeps the link to one
    if before and not queries.administrators():
        raise Problem(LAST)


def _renew(user: User, renewed: str) -> None:
    """Keep a better hash, in a transaction of its own, unless the person changed meanwhile."""
    same = (User.id == user.id) & (User.fs_uniquifier == user.fs_uniquifier)
    with db.engine.begin() as connection:
        connection.execute(update(User).where(same).values(password=renewed))
    set_committed_value(user, "password", renewed)


def _lock() -> None:
    """Let nobody else change people until this transaction ends; on SQLite none can as it is."""
    if db.engine.dialect.name == "postgresql":
        db.session.execute(text("LOCK TABLE users IN SHARE ROW EXCLUSIVE MODE"))


def _normalised(email: str) -> str:
    """The address as it is stored; raises Problem for one that cannot be (RFC 5321)."""
    if (address := addresses.normalised(email)) is None:
        raise Problem("This is no e-mail address.", "email")
    return address


def _hashed(password: str | None) -> str | None:
    return passwords.hashed(password) if password is not None else None
