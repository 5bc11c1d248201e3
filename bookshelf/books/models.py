"""The table of books."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from bookshelf.books.titles import title_key
from bookshelf.core.db import Record, bytewise_string

if TYPE_CHECKING:
    from bookshelf.authors.models import Author


class Book(Record):
    """A published book; an ISBN belongs to one book only.

    Triggers keep `author_key` and `author_country` as the author has them (revision 0008).
    """

    __tablename__ = "books"
    SEARCHED: ClassVar[Mapping[str, str]] = {"sort_key": "books", "author_key": "authors"}
    __table_args__ = (
        UniqueConstraint("isbn"),
        Index("ix_books_sort_key_author_key", "sort_key", "id", "author_key"),
        Index("ix_books_author_id", "author_id", "sort_key", "id"),
        Index("ix_books_author_key", "author_key", "author_id", "sort_key", "id"),
        Index("ix_books_author_country", "author_country", "sort_key", "id"),
        Index("ix_books_language", "language", "sort_key", "id"),
        Index("ix_books_year", "year", "sort_key", "id"),
        Index("ix_books_publisher", "publisher", "id"),
        # The unique one keeps ISBNs apart; this one has what lacks any in the order by title. Of a
        # partial one SQLite would make no use, as it takes NULL for as rare as any ISBN.
        Index("ix_books_isbn", "isbn", "sort_key", "id", postgresql_where=text("isbn IS NULL")),
        {"sqlite_autoincrement": True},
    )

    title: Mapped[str] = mapped_column(String(1000))
    sort_key: Mapped[str] = mapped_column(bytewise_string())
    author_id: Mapped[int] = mapped_column(ForeignKey("authors.id", ondelete="RESTRICT"))
    isbn: Mapped[str | None] = mapped_column(String(13))
    year: Mapped[int | None]
    publisher: Mapped[str | None] = mapped_column(bytewise_string(300))
    language: Mapped[str | None] = mapped_column(String(3))
    author_key: Mapped[str] = mapped_column(
        bytewise_string(), server_default=text("''"), deferred=True
    )
    author_country: Mapped[str | None] = mapped_column(String(4), deferred=True)

    author: Mapped["Author"] = relationship(back_populates="books")

    def derive(self) -> None:
        self.sort_key = title_key(self.title, self.language)
