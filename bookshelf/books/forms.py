"""The form of a book."""

from collections.abc import Sequence
from datetime import date
from typing import Any

from wtforms.validators import ValidationError

from bookshelf.authors import countries
from bookshelf.authors import queries as authors
from bookshelf.authors.models import Author
from bookshelf.books import isbn, languages
from bookshelf.books.services import NewAuthor
from bookshelf.core.text import words
from bookshelf.web.forms import (
    AtMost,
    Candidate,
    LineField,
    LookupField,
    RecordForm,
    Required,
    YearField,
)
from bookshelf.web.urls import parse_id

NEW = "new: "  # before the name, so that the offer is not taken for another name than its own
EARLIEST_YEAR = -4000


class AuthorField(LookupField):
    """An author by name; the data is an id, or a NewAuthor where the person chose to add one."""

    def candidates(self, typed: str) -> Sequence[Candidate]:
        found: list[Any] = list(authors.fitting(typed))
        if (chosen := self._chosen_before(typed)) and chosen.id not in [row.id for row in found]:
            found.append(chosen)
        books = authors.counts_of_books(author.id for author in found)
        # A single one is taken, unless only parts of words fit: King is not Kingsley.
        certain = len(found) > 1 or any(_has_words(author, typed) for author in found)
        known = [_candidate(author, books.get(author.id, 0), certain) for author in found]
        offer = Candidate(f"{NEW}{typed}", f"Add “{typed}” as a new author", certain=False)
        return [*known, offer]

    def _chosen_before(self, typed: str) -> Author | None:
        """The author whom the form named, however many others share the name."""
        chosen = parse_id(self.chosen)
        author = authors.author(chosen) if chosen else None
        return author if author and author.sort_name == typed else None

    def text_of(self, record: Author) -> str:
        return record.sort_name

    def value_of(self, record: Author) -> str:
        return str(record.id)

    def parse(self, value: str) -> int | NewAuthor:
        return NewAuthor(value.removeprefix(NEW)) if value.startswith(NEW) else int(value)

    def question(self, certain: Sequence[Candidate]) -> str:
        if certain:
            return super().question(certain)
        remedy = "Choose who is meant" if self.choices[1:] else "Add them, or try another name"
        return f"No author is called “{self.typed.strip()}” yet. {remedy}."


class LanguageField(LookupField):
    """A language by its name or code; the data is a code of ISO 639-3."""

    def candidates(self, typed: str) -> Sequence[Candidate]:
        found = languages.find(typed)
        if not found:
            raise ValueError(f"No language is called “{typed}”. Try its English name or its code.")
        return [Candidate(language.code, language.name) for language in found]

    def text_of(self, record: str) -> str:
        return languages.name_of(record)


class BookForm(RecordForm):
    """What people say of a book."""

    title = LineField("Title", [Required("Enter the title."), AtMost(1000)])
    author = AuthorField("Author", [Required("Enter the author’s name.")])
    isbn = LineField("ISBN")
    year = YearField("Year")
    publisher = LineField("Publisher", [AtMost(300)])
    language = LanguageField("Language")

    def validate_isbn(self, field: LineField) -> None:
        """Put the normalised digits in place of what was typed, once they are right."""
        try:
            field.data = isbn.normalise(field.data) if field.data else None
        except ValueError as error:
            raise ValidationError(str(error)) from error

    def validate_year(self, field: YearField) -> None:
        latest = date.today().year + 5
        if field.data is not None and not EARLIEST_YEAR <= field.data <= latest:
            raise ValidationError(f"Enter a year from {EARLIEST_YEAR} to {latest}.")


def _has_words(author: Any, typed: str) -> bool:
    return set(words(typed)) <= set(words(f"{author.name} {author.sort_name}"))


def _candidate(author: Any, books: int, certain: bool) -> Candidate:
    country = countries.name_of(author.country) if author.country else "no country"
    count = "1 book" if books == 1 else f"{books:,} books"
    return Candidate(str(author.id), author.sort_name, f"{country}, {count}", certain)
