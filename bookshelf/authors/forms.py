"""The form of an author."""

from collections.abc import Sequence

from bookshelf.authors import countries
from bookshelf.web.forms import (
    AtMost,
    Candidate,
    LineField,
    LookupField,
    ProseField,
    RecordForm,
    Required,
)


class CountryField(LookupField):
    """A country by its name, its code, or any name that people use for it; the data is a code."""

    def candidates(self, typed: str) -> Sequence[Candidate]:
        found = countries.find(typed)
        if not found:
            raise ValueError(f"No country is called “{typed}”. Try another name, or its code.")
        sure = len(found) > 1 or countries.is_called(found[0], typed)
        return [Candidate(country.code, country.name, certain=sure) for country in found]

    def text_of(self, record: str) -> str:
        return countries.name_of(record)


class AuthorForm(RecordForm):
    """What people say of an author."""

    name = LineField("Name", [Required("Enter the author’s name."), AtMost(300)])
    sort_name = LineField("Name to sort by", [AtMost(300)])
    country = CountryField("Country")
    bio = ProseField("Biography", [AtMost(20_000)])
