"""The tables of people, and of tries to sign in as them."""

from datetime import datetime
from uuid import uuid4

from flask_security import UserMixin
from sqlalchemy import CheckConstraint, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from bookshelf.core.db import Model, UtcDateTime, bytewise_string, now
from bookshelf.core.permissions import Role
from bookshelf.core.text import sort_key


def new_epoch() -> str:
    """A value that no session and no link has seen."""
    return uuid4().hex


class User(Model, UserMixin):
    """A person who may sign in once they have chosen a password.

    `fs_uniquifier` is the epoch of their sessions and links: all end when it changes. It is the
    version of the row as well, so that of two changes at once the second one is refused.
    """

    __tablename__ = "users"
    __table_args__ = (
        UniqueConstraint("email"),
        UniqueConstraint("fs_uniquifier"),
        CheckConstraint(f"role IN ({', '.join(repr(role.value) for role in Role)})", name="role"),
        Index("ix_users_sort_key", "sort_key", "id"),
        Index("ix_users_role", "role", "sort_key", "id"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    email: Mapped[str] = mapped_column(bytewise_string(254))
    name: Mapped[str] = mapped_column(String(300), server_default=text("''"))
    sort_key: Mapped[str] = mapped_column(bytewise_string())
    password: Mapped[str | None] = mapped_column(String(255))
    role: Mapped[str] = mapped_column(String(20))
    active: Mapped[bool] = mapped_column(default=True, server_default=text("true"))
    fs_uniquifier: Mapped[str] = mapped_column(String(64), default=new_epoch)
    created_at: Mapped[datetime] = mapped_column(
        UtcDateTime, default=now, server_default=text("CURRENT_TIMESTAMP")
    )

    __mapper_args__ = {  # noqa: RUF012
        "version_id_col": fs_uniquifier,
        "version_id_generator": False,
    }

    @property
    def called(self) -> str:
        """What to call the person: the name, or the address while there is none."""
        return self.name or self.email

    def derive(self) -> None:
        self.sort_key = sort_key(f"{self.name} {self.email}")


class SignInTries(Model):
    """When somebody last tried to sign in to one account, and failed or has not succeeded yet.

    `account` is a digest: what is typed as an address may be a password. `moments` is a JSON
    list of seconds since 1970, the oldest first.
    """

    __tablename__ = "sign_in_tries"
    __table_args__ = (UniqueConstraint("account"), {"sqlite_autoincrement": True})

    id: Mapped[int] = mapped_column(primary_key=True)
    account: Mapped[str] = mapped_column(String(64))
    moments: Mapped[str] = mapped_column(String(1000))
    last_at: Mapped[datetime] = mapped_column(UtcDateTime)
