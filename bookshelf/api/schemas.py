"""The JSON of a row: plain values, codes beside their names, and links to what belongs to it."""

from collections.abc import Callable
from typing import Any

from flask import url_for

from bookshelf.authors import countries
from bookshelf.books import languages

JsonObject = dict[str, Any]


def coded(code: str | None, name_of: Callable[[str], str]) -> JsonObject | None:
    """A code with its name, or null."""
    return {"code": code, "name": name_of(code)} if code else None


def author(row: Any) -> JsonObject:
    """An author: `country` is null, or a code of ISO 3166 and its name; moments are ISO 8601."""
    return {
        "id": row.id,
        "name": row.name,
        "sort_name": row.sort_name,
        "bio": row.bio,
        "country": coded(row.country, countries.name_of),
        "created_at": row.created_at.isoformat(),
        "links": {
            "self": url_for("api.author", author_id=row.id),
            "books": url_for("api.books_of_author", author_id=row.id),
            "page": url_for("authors.show", author_id=row.id),
        },
    }


def book(row: Any) -> JsonObject:
    """A book: `isbn` has 13 digits, `language` is null or a code of ISO 639-3 and its name."""
    return {
        "id": row.id,
        "title": row.title,
        "author": {"id": row.author_id, "name": row.author_name},
        "isbn": row.isbn,
        "year": row.year,
        "publisher": row.publisher,
        "language": coded(row.language, languages.name_of),
        "created_at": row.created_at.isoformat(),
        "links": {
            "self": url_for("api.book", book_id=row.id),
            "author": url_for("api.author", author_id=row.author_id),
            "page": url_for("books.show", book_id=row.id),
        },
    }
