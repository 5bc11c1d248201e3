"""The fields of a book: what each takes, what it refuses, and that all that was typed stays."""

from datetime import date

import pytest
from book_form import HOBBIT, NEW, TYPED, again, catalogue, choices, only_book
from house import HousekeepingClient as Client
from house import error_at, field_of, form_of, text_of

from bookshelf.authors.services import create_author
from bookshelf.books.services import create_book


@pytest.mark.parametrize(
    "typed",
    ["9780261103283", "978-0-261-10328-3", "0261103288", "0-261-10328-8", "ISBN 0261103288"],
)
def test_an_isbn_is_shown_in_its_thirteen_digits(client: Client, typed: str) -> None:
    create_author(name="Tolkien")
    answer = client.submit(NEW, title="The Hobbit", author="tolkien", isbn=typed)
    assert "978-0-261-10328-3" in text_of(client.get(answer.location).text)
    assert only_book().isbn == HOBBIT


FAULTS: list[tuple[str, str, str]] = [
    ("title", "", "Enter the title."),
    ("title", "\u200b", "Enter the title."),
    ("title", "x" * 1002, "This is 2 characters too long; 1,000 fit."),
    ("title", "A\x00b", "Remove the invisible character U+0000; it cannot be kept."),
    ("author", "A\x00b", "Remove the invisible character U+0000; it cannot be kept."),
    ("author", "x" * 301, "This is 1 characters too long; 300 fit."),
    ("isbn", "9780261103570", "The check digit of 9780261103570 should be 3, not 0."),
    ("isbn", "0261103570", "The check digit of 0261103570 should be 1, not 0."),
    ("isbn", "12345", "An ISBN has 10 or 13 digits, but this has 5."),
    ("isbn", "97802611O3573", "An ISBN has digits only"),
    ("isbn", "9780261\x0003573", "Remove the invisible character U+0000"),
    ("isbn", "1" * 5000, "An ISBN has 10 or 13 digits, but this has 5000."),
    ("year", "soon", "A year is a whole number, such as 1954 or -750."),
    ("year", "1_954", "A year is a whole number, such as 1954 or -750."),
    ("year", "1954.5", "A year is a whole number, such as 1954 or -750."),
    ("year", "19\x0054", "A year is a whole number, such as 1954 or -750."),
    ("year", "99999", f"Enter a year from -4000 to {date.today().year + 5}."),
    ("year", "-4001", f"Enter a year from -4000 to {date.today().year + 5}."),
    ("year", "9" * 30, f"Enter a year from -4000 to {date.today().year + 5}."),
    ("year", "9" * 5000, "A year is a whole number, such as 1954 or -750."),
    ("publisher", "p" * 301, "This is 1 characters too long; 300 fit."),
    ("publisher", "p\x01q", "Remove the invisible character U+0001; it cannot be kept."),
    ("language", "Klingonese", "No language is called “Klingonese”."),
    ("language", "e\x00n", "Remove the invisible character U+0000; it cannot be kept."),
]


@pytest.mark.parametrize(("name", "typed", "message"), FAULTS)
def test_a_wrong_field_says_why_and_all_that_was_typed_stays(
    client: Client, name: str, typed: str, message: str
) -> None:
    create_author(name="Ann Lee")
    page = client.submit(NEW, **TYPED | {name: typed})
    assert page.status_code == 422
    assert error_at(page.text, name).startswith(message)
    kept = form_of(page.text)
    assert kept[name] == ("" if message.startswith("Enter the title") else typed)
    for other in TYPED.keys() - {name}:
        assert kept[other] == TYPED[other]
        assert error_at(page.text, other) == ""
    assert [f for f in TYPED if "autofocus" in field_of(page.text, f)] == [name]
    assert catalogue() == (1, 0)


@pytest.mark.parametrize(
    ("typed", "year"), [("1954", 1954), ("-750", -750), ("−750", -750), (" 0 ", 0), ("", None)]
)
def test_a_year_may_be_before_our_era_or_unknown(
    client: Client, typed: str, year: int | None
) -> None:
    create_author(name="Homer")
    answer = client.submit(NEW, title="The Iliad", author="homer", year=typed)
    assert only_book().year == year
    shown = text_of(client.get(answer.location).text)
    assert f"Year {'–' if year is None else year} Publisher" in shown


@pytest.mark.parametrize(
    ("typed", "code"), [("English", "eng"), ("en", "eng"), ("yoruba", "yor"), ("YOR", "yor")]
)
def test_a_language_is_stored_by_its_code(client: Client, typed: str, code: str) -> None:
    create_author(name="Ann")
    client.submit(NEW, title="A book", author="ann", language=typed)
    assert only_book().language == code


def test_a_language_that_fits_only_in_part_is_offered(client: Client) -> None:
    create_author(name="Ann")
    asked = client.submit(NEW, title="A book", author="ann", language="nyno")
    assert "“nyno” fits only in part. Choose" in error_at(asked.text, "language")
    assert choices(asked) == ["nno"]
    again(client, asked, language_choice="nno")
    assert only_book().language == "nno"


def test_a_language_that_fits_several_is_chosen_from_them(client: Client) -> None:
    create_author(name="Ann")
    asked = client.submit(NEW, title="A book", author="ann", language="gaelic")
    assert {"gle", "gla"} <= set(choices(asked))
    again(client, asked, language_choice="gle")
    assert only_book().language == "gle"


def test_the_same_isbn_twice_is_refused_at_its_field(client: Client) -> None:
    author = create_author(name="Ann Lee")
    create_book(title="The Hobbit", author=author.id, isbn=TYPED["isbn"])
    page = client.submit(NEW, **TYPED | {"isbn": "0-261-10357-1"})
    assert page.status_code == 422
    assert error_at(page.text, "isbn") == "“The Hobbit” by Ann Lee has this ISBN already."
    assert [f for f in TYPED if "autofocus" in field_of(page.text, f)] == ["isbn"]
    assert form_of(page.text).items() >= TYPED.items()
    assert catalogue() == (1, 1)


def test_an_isbn_cannot_be_taken_from_another_book_by_editing(client: Client) -> None:
    author = create_author(name="Ann Lee")
    create_book(title="The Hobbit", author=author.id, isbn=HOBBIT)
    mine = create_book(title="Mine", author=author.id)
    page = client.submit(f"/books/{mine.id}/edit", isbn=HOBBIT, title="Still mine")
    assert page.status_code == 422
    assert error_at(page.text, "isbn") == "“The Hobbit” by Ann Lee has this ISBN already."
    assert form_of(page.text)["title"] == "Still mine"
    assert client.post(
        f"/books/{mine.id}/edit", data=form_of(page.text) | {"isbn": ""}
    ).location == (f"/books/{mine.id}")


def test_books_without_an_isbn_do_not_collide(client: Client) -> None:
    create_author(name="Ann Lee")
    for isbn in ("", "  "):
        assert client.submit(NEW, title="A book", author="ann", isbn=isbn).status_code == 302
