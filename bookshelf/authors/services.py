"""What is done to authors; the caller commits."""

from bookshelf.authors.models import Author
from bookshelf.authors.names import propose_sort_name
from bookshelf.core.db import db
from bookshelf.core.problems import Stale, flushing
from bookshelf.core.records import add, change


def create_author(
    *, name: str, sort_name: str | None = None, bio: str | None = None, country: str | None = None
) -> Author:
    """Add an author; the name to sort by is proposed where none is given."""
    author = _author(name, sort_name, bio, country)
    add(author)
    return author


def update_author(
    author: Author,
    *,
    version: int | None,
    name: str,
    sort_name: str | None = None,
    bio: str | None = None,
    country: str | None = None,
) -> None:
    """Change an author as it stood at `version`; raises Stale where somebody else saved since.

    A name to sort by that was proposed from the old name, and is not changed, follows the new one.
    """
    if author.version != version:
        raise Stale
    if sort_name == author.sort_name == propose_sort_name(author.name):
        sort_name = None
    change(author, _author(name, sort_name, bio, country))


def delete_author(author: Author) -> None:
    """Delete an author; raises Problem while there are books by them."""
    message = f"{author.name} still has books. Move or delete them first."
    with flushing({"fk_books_author_id_authors": (message, None)}):
        db.session.delete(author)


def _author(name: str, sort_name: str | None, bio: str | None, country: str | None) -> Author:
    """A new author, who is not stored yet."""
    sort_name = sort_name or propose_sort_name(name)
    return Author(name=name, sort_name=sort_name, bio=bio, country=country)
