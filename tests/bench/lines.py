"""The lines of the bench: what is asked of Bookshelf, and the best statement for the same."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count, repeat
from typing import Any
from urllib.parse import quote_plus

from house import form_of

from bench.asking import ID, TYPED
from bench.driving import Sending, Sent, Visitor, version_in
from bench.sampling import FOUND, FREQUENT, VERY_FREQUENT, Sample

PARTIAL = {"X-Partial": "1"}
BOOK = "b.id, b.title, a.sort_name, b.year, b.publisher, b.language, b.isbn, b.created_at"
AUTHOR = "a.id, a.name, a.country, a.created_at"
OF_AUTHOR = "SELECT b.id, b.title, b.year, b.isbn FROM books b WHERE b.author_id = %s"
FIRST_BOOKS = f"{OF_AUTHOR} ORDER BY b.sort_key, b.id LIMIT 50"
ONE_AUTHOR = "SELECT * FROM authors WHERE id = %s"


@dataclass(frozen=True)
class Statement:
    """SQL with its parameters, written %s."""

    sql: str
    values: Sequence[Any] = ()


@dataclass(frozen=True)
class Line:
    """One line of the report. `template` names what the limit draws of the rows."""

    name: str
    path: str
    best: Sequence[Statement]
    template: str = "books"
    peers: float | None = None
    saves: Sending | None = None

    @property
    def writes(self) -> bool:
        """Whether forms are sent rather than pages asked for."""
        return self.saves is not None

    def sending(self, visitor: Visitor, number: int) -> Iterator[Sent]:
        """What the client of that number sends, without an end."""
        return self.saves(visitor, number) if self.saves else repeat(self.request)

    @property
    def request(self) -> Sent:
        """What asks for the page, or for a part of it."""
        return Sent(self.path, headers=PARTIAL if self.template == "options" else {})


def lines(sample: Sample) -> list[Line]:
    """All lines for one database; `peers` is the best ratio of any peer to its own limit."""
    kinds = (_lists, _searches, _pickers, _records, _saves)
    return [line for kind in kinds for line in kind(sample)]


def books(where: str = "", order: str = "sort_key, id", *values: Any) -> list[Statement]:
    """The books of a page, limited before they are joined to their authors."""
    ordered = ", ".join(f"b.{key}" for key in order.split(", "))
    page = f"SELECT * FROM books {where} ORDER BY {order} LIMIT 51"
    joined = f"SELECT {BOOK} FROM ({page}) b JOIN authors a ON a.id = b.author_id"
    return [Statement(f"{joined} ORDER BY {ordered}", values)]


def authors(where: str = "", order: str = "a.sort_key, a.id", *values: Any) -> list[Statement]:
    """The authors of a page."""
    return [Statement(f"SELECT {AUTHOR} FROM authors a {where} ORDER BY {order} LIMIT 51", values)]


def _found(where: str, values: Sequence[Any]) -> Statement:
    """The books of a page that is searched for: the index of the order has the keys, too."""
    page = FOUND.format(what="id", where=where)
    joined = "JOIN books b ON b.id = page.id JOIN authors a ON a.id = b.author_id"
    order = "ORDER BY b.sort_key, b.id"
    return Statement(f"SELECT {BOOK} FROM ({page}) page {joined} {order}", values)


def _lists(sample: Sample) -> Iterator[Line]:
    backwards = "sort_key DESC, id DESC"
    by_author = "author_key, author_id, sort_key, id"
    after, before = "WHERE (sort_key, id) > (%s, %s)", "WHERE (sort_key, id) < (%s, %s)"
    yield Line("Books, first page", "/books/", books(), peers=430 / 1.4)
    yield Line(
        "Books, middle page",
        f"/books/?after={sample.cursor('middle_book')}",
        books(after, "sort_key, id", *sample.middle_book),
        peers=1210 / 3.2,
    )
    yield Line(
        "Books, last page",
        f"/books/?before={sample.cursor('last_book')}",
        books(before, backwards, *sample.last_book),
        peers=1693 / 1.7,
    )
    yield Line("Authors, first page", "/authors/", authors(), "authors", 77 / 3.3)
    yield Line(
        "Authors, middle page",
        f"/authors/?after={sample.cursor('middle_author')}",
        authors("WHERE (sort_key, id) > (%s, %s)", "sort_key, id", *sample.middle_author),
        "authors",
    )
    yield Line(
        "Books by author, middle page",
        f"/books/?sort=author&after={sample.cursor('middle_by_author')}",
        books(f"WHERE ({by_author}) > (%s, %s, %s, %s)", by_author, *sample.middle_by_author),
    )
    yield Line("Books by title, backwards", "/books/?sort=-title", books("", backwards),
               peers=510 / 1.7)  # fmt: skip
    yield Line("Books by author", "/books/?sort=author", books("", by_author))
    year, cursor = "year, sort_key, id", sample.cursor("middle_by_year")
    yield Line("Books by year", "/books/?sort=year", books("WHERE year IS NOT NULL", year))
    yield Line(
        "Books by year, middle page",
        f"/books/?sort=year&after={cursor}",
        books("WHERE (year, sort_key, id) > (%s, %s, %s)", year, *sample.middle_by_year),
    )
    yield Line(
        "Authors of a country",
        "/authors/?country=NZ",
        authors("WHERE country = %s", "sort_key, id", "NZ"),
        "authors",
        22 / 3.5,
    )
    yield Line(
        "Books in a language",
        "/books/?language=pol",
        books("WHERE language = %s", "sort_key, id", "pol"),
    )
    yield Line(
        "Books of ten years",
        "/books/?from=1990&to=1999",
        books("WHERE year BETWEEN %s AND %s", "sort_key, id", 1990, 1999),
    )
    yield Line(
        "Books by authors of a country",
        "/books/?country=NZ",
        books("WHERE author_country = %s", "sort_key, id", "NZ"),
    )


def _searches(sample: Sample) -> Iterator[Line]:
    def search(name: str, *typed: str, peers: float | None = None) -> Line:
        found = _found(*sample.searched[typed])
        return Line(name, f"/books/?q={quote_plus(' '.join(typed))}", [found], peers=peers)

    yield search("Search, rare word", sample.rare, peers=29 / 6.8)
    yield search("Search, frequent word", FREQUENT, peers=427 / 13.5)
    yield search("Search, very frequent word", VERY_FREQUENT)
    yield search("Search, two words", FREQUENT, VERY_FREQUENT)
    yield search("Search, author and title", sample.by_whom, sample.of_whom)


def _pickers(sample: Sample) -> Iterator[Line]:
    key, few = sample.middle_author[0][:3], "SELECT id, sort_name, country FROM authors"
    found = f"{few} WHERE sort_key >= %s AND sort_key < %s ORDER BY sort_key, id LIMIT 8"
    prefix = [Statement(found, [key, key + "\U0010ffff"])]
    path = f"/books/authors?q={quote_plus(key)}"
    yield Line("Picker of authors, three letters", path, prefix, "options", 2.1 / 0.8)
    whole = Statement(found, [sample.rare, sample.rare + "\U0010ffff"])
    books_so = _found(*sample.searched[sample.rare,])
    yield Line("Search everywhere", f"/search?q={quote_plus(sample.rare)}", [whole, books_so])


def _records(sample: Sample) -> Iterator[Line]:
    few = [Statement(ONE_AUTHOR, [sample.of_few]), Statement(FIRST_BOOKS, [sample.of_few])]
    many = [Statement(ONE_AUTHOR, [sample.of_many]), Statement(FIRST_BOOKS, [sample.of_many])]
    capped = f"SELECT count(*) FROM ({OF_AUTHOR} LIMIT 1001) c"
    yield Line("Author’s page", f"/authors/{sample.of_few}", few, "of_author")
    yield Line(
        "Delete page, author of 1,000 books",
        f"/authors/{sample.of_many}/delete",
        [*many, Statement(capped, [sample.of_many])],
        "of_author",
        68 / 1.2,
    )
    yield Line("Add-book form", "/books/new", [], "form", 1.7 / 0.4)


def _saves(sample: Sample) -> Iterator[Line]:
    insert = (
        "INSERT INTO authors (name, sort_name, sort_key, created_at, updated_at)"
        " VALUES (%s, %s, lower(%s), CURRENT_TIMESTAMP, CURRENT_TIMESTAMP) RETURNING id"
    )
    update = "UPDATE authors SET bio = %s, version = version + 1 WHERE id = %s"
    added = [Statement(insert, [f"{TYPED}name"] * 3)]
    saved = [Statement(ONE_AUTHOR, [ID]), Statement(update, [f"{TYPED}bio", ID])]
    yield Line("Create an author", "", added, "", 1.7 / 1.0, _creating)
    yield Line("Edit an author", "", saved, "", 2.2 / 1.0, _editing)


def _creating(visitor: Visitor, number: int) -> Iterator[Sent]:
    form = form_of(visitor.page("/authors/new"))
    for turn in count():
        yield Sent("/authors/new", form | {"name": f"Ann {number} Lee {turn}"})


def _editing(visitor: Visitor, number: int) -> Iterator[Sent]:
    path = f"/authors/{number + 1}/edit"
    page = visitor.page(path)
    form, version = form_of(page), version_in(page)
    for turn in count():
        yield Sent(path, form | {"version": str(version + turn), "bio": f"Turn {turn}."})
