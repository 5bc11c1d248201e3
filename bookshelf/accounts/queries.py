"""What is read about people."""

from collections.abc import Mapping, Sequence

from sqlalchemy import bindparam, func, select

from bookshelf.accounts import addresses
from bookshelf.accounts.models import User
from bookshelf.core import counting, keyset
from bookshelf.core.counting import Count
from bookshelf.core.db import AnyRow, AnySelect, db
from bookshelf.core.matching import has_words
from bookshelf.core.permissions import Role

SORTS: Mapping[str, keyset.Keys] = {
    "name": (User.sort_key, User.id),
    "email": (User.email, User.id),
    "role": (User.role, User.sort_key, User.id),
    "added": (User.id,),
}

# Every page asks it: put together once, of the table's columns, as a row costs less than a record
# and a column of the table less than an attribute of the model.
_USERS = User.__table__.c
SIGNED_IN = select(_USERS.id, _USERS.email, _USERS.name, _USERS.role).where(
    _USERS.fs_uniquifier == bindparam("epoch"), _USERS.active
)


def user(user_id: int) -> User | None:
    """The person of that id."""
    return db.session.get(User, user_id)


def user_of(email: str) -> User | None:
    """The person with that address, however it is written."""
    return db.session.scalar(select(User).where(User.email == addresses.normalised(email)))


def signed_in_with(epoch: str) -> AnyRow | None:
    """Who the person is whose sessions have this epoch, unless they are disabled."""
    return db.session.connection().execute(SIGNED_IN, {"epoch": epoch}).one_or_none()


def found(*, q: str = "") -> Sequence[AnySelect]:
    """The ids of people whose name and address have all words of `q`."""
    return [select(User.id).where(*has_words(User, q))]


def page_of_people(
    *, q: str = "", sort: str = "name", at: keyset.Position = keyset.FIRST
) -> keyset.Page:
    """A page of the people that `found` gives; raises KeyError for an unknown sort, BadCursor."""
    columns = (User.id, User.name, User.email, User.role, User.active, User.created_at)
    waiting = User.password.is_(None).label("waiting")
    return keyset.fetch(found(q=q), select(*columns, waiting), SORTS[sort], at)


def total() -> Count:
    """How many people there are."""
    return counting.total(User)


def nobody_yet() -> bool:
    """Whether there is not one person."""
    return db.session.scalar(select(User.id).limit(1)) is None


def administrators() -> int:
    """How many administrators can sign in."""
    able = User.active & User.password.is_not(None) & (User.role == Role.ADMINISTRATOR)
    return db.session.scalar(select(func.count()).where(able)) or 0
