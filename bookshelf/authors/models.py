"""The table of authors."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar

from sqlalchemy import Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from bookshelf.authors.names import author_key
from bookshelf.core.db import Record, bytewise_string

if TYPE_CHECKING:
    from bookshelf.books.models import Book


class Author(Record):
    """A person who writes; two of them may share a name."""

    __tablename__ = "authors"
    SEARCHED: ClassVar[Mapping[str, str]] = {"sort_key": "authors"}
    __table_args__ = (
        Index("ix_authors_sort_key", "sort_key", "id"),
        Index("ix_authors_country", "country", "sort_key", "id"),
        {"sqlite_autoincrement": True},
    )

    name: Mapped[str] = mapped_column(String(300))
    sort_name: Mapped[str] = mapped_column(String(300))
    sort_key: Mapped[str] = mapped_column(bytewise_string())
    bio: Mapped[str | None] = mapped_column(Text)
    country: Mapped[str | None] = mapped_column(String(4))

    # The database refuses to delete an author who has books; the session must not empty theirs.
    books: Mapped[list["Book"]] = relationship(back_populates="author", passive_deletes="all")

    def derive(self) -> None:
        self.sort_key = author_key(self.name, self.sort_name)
