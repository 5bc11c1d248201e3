"""The form of a book."""

from collections.abc import Sequence
from datetime import date
from typing import Any

from wtforms.validators import ValidationError

from bookshelf.authors import countries
from bookshelf.authors import queries as authors
from bookshelf.authors.models import Author
from bookshelf.authors.names import in_order
from bookshelf.books import isbn, languages, queries
from bookshelf.books.services import NewAuthor
from bookshelf.core.db import AnyRow
from bookshelf.core.problems import Problem
from bookshelf.core.text import words
from bookshelf.web.forms import (
    AtMost,
    Candidate,
    LineField,
    LookupField,
    RecordForm,
    Required,
    YearField,
    tidy_line,
)
from bookshelf.web.rendering import shortened
from bookshelf.web.urls import parse_id

NEW = "new: "  # before the name, so that the offer is not taken for another name than its own
EARLIEST_YEAR = -4000


class AuthorField(LookupField):
    """An author by name; the data is an id, or a NewAuthor where the person chose to add one.

    The ids of all who were called exactly so come back as NAME_choice_among: who has come since may
    be the very one whom the offer added when it was first pressed.
    """

    among: Sequence[str] = ()

    def candidates(self, typed: str) -> Sequence[Candidate]:
        exact = authors.called(typed)
        self._drop_outdated_offer([str(author.id) for author in exact])
        found: list[Any] = list(exact or authors.beginning(typed))
        if (chosen := self._chosen_before(typed)) and chosen.id not in [row.id for row in found]:
            found.append(chosen)
        # A single one is taken, unless only parts of words fit: King is not Kingsley.
        certain = len(found) > 1 or any(_has_words(author, typed) for author in found)
        return [*(_candidate(author, certain) for author in found), _offer(typed)]

    def _drop_outdated_offer(self, exact: Sequence[str]) -> None:
        """Drop the choice to add an author if others are called so than when it was offered."""
        known = self.submitted.get(f"{self.name}_choice_among", "").split()
        if self.chosen and self.chosen.startswith(NEW) and not set(exact).issubset(known):
            self.chosen = None
        self.among = exact

    def _chosen_before(self, typed: str) -> AnyRow | None:
        """The author whom the form named, however many others share the name."""
        chosen = parse_id(self.chosen)
        author = authors.author_row(chosen) if chosen else None
        return author if author and author.sort_name == typed else None

    def text_of(self, record: Author) -> str:
        return record.sort_name

    def value_of(self, record: Author) -> str:
        return str(record.id)

    def parse(self, value: str) -> int | NewAuthor:
        return _new_author(value.removeprefix(NEW)) if value.startswith(NEW) else int(value)

    @property
    def carried(self) -> dict[str, str]:
        return {**super().carried, f"{self.name}_choice_among": " ".join(self.among)}

    @property
    def described(self) -> str:
        author = authors.author_row(self.data) if isinstance(self.data, int) else None
        if author is None:
            return self.typed
        candidate = _candidate(author, certain=True)
        return f"{candidate.label} ({candidate.hint})"

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
        sure = len(found) > 1 or languages.is_called(found[0], typed)
        return [Candidate(language.code, language.name, certain=sure) for language in found]

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

    def in_words(self, problem: Problem) -> str:
        """Name the book that has the ISBN already."""
        taken = self.isbn.data if problem.field == "isbn" else None
        other = queries.book_of_isbn(taken) if taken else None
        if other is None:
            return super().in_words(problem)
        return f"“{shortened(other.title)}” by {other.author_name} has this ISBN already."

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


def offered_authors(typed: str, limit: int, *, adding: bool) -> list[Candidate]:
    """What a picker offers for an author: those who fit best, and to add one."""
    found = [_candidate(author, certain=True) for author in authors.offered(typed, limit)]
    return [*found, _offer(tidy_line(typed))] if adding and tidy_line(typed) else found


def _has_words(author: Any, typed: str) -> bool:
    return set(words(typed)) <= set(words(f"{author.name} {author.sort_name}"))


def _new_author(typed: str) -> NewAuthor:
    name = in_order(typed)
    return NewAuthor(name, sort_name=None if name == typed else typed)


def _offer(typed: str) -> Candidate:
    name, sort_name = _new_author(typed)
    hint = f"sorts under “{sort_name}”" if sort_name else ""
    label = f"Add “{name}” as a new author"
    return Candidate(f"{NEW}{typed}", label, hint, certain=False, text=typed)


def _candidate(author: AnyRow, certain: bool) -> Candidate:
    country = countries.name_of(author.country) if author.country else "no country"
    count = authors.books_of_row(author)
    books = "book" if count.number == 1 else "books"
    return Candidate(str(author.id), author.sort_name, f"{country}, {count} {books}", certain)
