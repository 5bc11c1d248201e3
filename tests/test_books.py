"""The pages of books: the form that finds their authors, what it refuses, what it keeps."""

from datetime import date
from typing import Any

import pytest
from flask import Flask
from house import HousekeepingClient as Client
from house import error_at, field_of, form_of, link_to, read, rows_of, text_of
from werkzeug.test import TestResponse

from bookshelf.authors.models import Author
from bookshelf.authors.services import create_author, delete_author, update_author
from bookshelf.books.forms import BookForm
from bookshelf.books.models import Book
from bookshelf.books.services import create_book
from bookshelf.core.db import db

NEW = "/books/new"
HOBBIT = "9780261103283"


def only_book() -> Book:
    """The one book in the catalogue, as the database now has it."""
    db.session.expire_all()
    found: Book = db.session.scalars(db.select(Book)).one()
    return found


def catalogue() -> tuple[int, int]:
    """How many authors and how many books there are."""
    db.session.commit()
    counts = [db.session.query(model).count() for model in (Author, Book)]
    return counts[0], counts[1]


def choices(page: TestResponse) -> list[str]:
    """The values of the radio buttons."""
    elements = read(page.text).elements
    return [str(a["value"]) for tag, a in elements if a.get("type") == "radio"]


def again(client: Client, page: TestResponse, **changed: Any) -> TestResponse:
    """Send the form that was drawn again, with some of it changed."""
    return client.post(NEW, data=form_of(page.text) | changed)


# The author, typed


@pytest.mark.parametrize(
    "typed",
    [
        "Chimamanda Ngozi Adichie",
        "Adichie, Chimamanda Ngozi",
        "ngozi chimamanda",
        " ÀDICHIE ",
        "chimamanda\u00a0adichie",
    ],
)
def test_an_author_who_alone_fits_is_taken(client: Client, typed: str) -> None:
    author = create_author(name="Chimamanda Ngozi Adichie")
    create_author(name="Chinua Achebe")
    assert client.submit(NEW, title="Americanah", author=typed).status_code == 302
    assert only_book().author_id == author.id


@pytest.mark.parametrize("typed", ["Stephen King", "kingsl"])
def test_an_author_who_fits_by_parts_of_words_alone_is_offered(client: Client, typed: str) -> None:
    author = create_author(name="Stephen Kingsley")
    asked = client.submit(NEW, title="A book", author=typed)
    assert f"No author is called “{typed}” yet. Choose who is meant." in text_of(asked.text)
    assert choices(asked) == [str(author.id), f"new: {typed}"]
    assert catalogue() == (1, 0)


def test_an_author_called_exactly_so_is_taken_before_longer_names(
    client: Client,
) -> None:
    create_author(name="Ann Lee Smith", sort_name="Lee, Ann Smith")
    ann = create_author(name="Ann Lee")
    client.submit(NEW, title="A book", author="Ann Lee")
    assert only_book().author_id == ann.id


def test_several_authors_are_told_apart_by_country_and_books(client: Client) -> None:
    british, unknown = create_author(name="Ann Lee", country="GB"), create_author(name="Ann Lee")
    for title in ("One", "Two"):
        create_book(title=title, author=british.id)
    asked = client.submit(NEW, title="A book", author="ann lee")
    assert asked.status_code == 422
    assert "“ann lee” fits several. Choose one, or type more of it." in error_at(
        asked.text, "author"
    )
    assert "Lee, Ann United Kingdom, 2 books Lee, Ann no country, 0 books" in text_of(asked.text)
    answer = again(client, asked, author_choice=str(unknown.id))
    assert f'href="/authors/{unknown.id}"' in client.get(answer.location).text


def test_text_that_is_changed_afterwards_wins_over_the_choice(client: Client) -> None:
    ann = [create_author(name="Ann Lee") for _ in range(2)]
    bo = create_author(name="Bo Li")
    asked = client.submit(NEW, title="A book", author="Ann Lee")
    again(client, asked, author="Bo Li", author_choice=str(ann[1].id))
    assert only_book().author_id == bo.id


@pytest.mark.parametrize("choice", ["", "0", "x", "new: Somebody Else", "-1", "9" * 30, "\x00"])
def test_a_choice_that_was_not_offered_is_asked_again(client: Client, choice: str) -> None:
    for _ in range(2):
        create_author(name="Ann Lee")
    page = client.submit(NEW, title="A book", author="Ann Lee", author_choice=choice)
    assert page.status_code == 422
    assert len(choices(page)) == 3
    assert catalogue() == (2, 0)


def test_the_id_of_a_stranger_is_not_taken_for_a_name(client: Client) -> None:
    bo = create_author(name="Bo Li")
    page = client.submit(NEW, title="A book", author="Ann Lee", author_choice=str(bo.id))
    assert choices(page) == ["new: Ann Lee"]
    assert catalogue() == (1, 0)


def test_an_author_who_fits_nobody_can_be_added_with_the_book(client: Client) -> None:
    asked = client.submit(NEW, title="A book", author=" Ann  Lee ")
    assert "No author is called “Ann Lee” yet." in error_at(asked.text, "author")
    assert "Add “Ann Lee” as a new author" in text_of(asked.text)
    assert catalogue() == (0, 0)
    shown = client.get(again(client, asked, author_choice=choices(asked)[0]).location)
    assert "Ann Lee" in text_of(shown.text)
    assert catalogue() == (1, 1)
    assert rows_of(client.get("/authors/").text) == ["Lee, Ann"]


def test_one_of_the_same_name_can_be_added_beside_others(client: Client) -> None:
    for _ in range(2):
        create_author(name="Ann Lee")
    asked = client.submit(NEW, title="A book", author="Ann Lee")
    again(client, asked, author_choice="new: Ann Lee")
    assert catalogue() == (3, 1)


@pytest.mark.parametrize(
    "wrong", [{"year": "soon"}, {"title": ""}, {"isbn": "1"}, {"language": "zz"}]
)
def test_no_author_is_added_while_another_field_is_wrong(
    client: Client, wrong: dict[str, str]
) -> None:
    asked = client.submit(NEW, title="A book", author="Ann Lee")
    page = again(client, asked, author_choice="new: Ann Lee", **wrong)
    assert page.status_code == 422
    assert error_at(page.text, *wrong)
    assert not error_at(page.text, "author")
    assert catalogue() == (0, 0)
    right = {"title": "A book", "year": "", "isbn": "", "language": ""}
    again(client, page, **right)
    assert catalogue() == (1, 1)


def test_no_author_is_added_with_a_book_whose_isbn_is_taken(client: Client) -> None:
    create_book(title="The Hobbit", author=create_author(name="Tolkien").id, isbn=HOBBIT)
    typed = {"title": "Mine", "author": "Ann Lee", "author_choice": "new: Ann Lee"}
    page = client.submit(NEW, **typed, isbn=HOBBIT)
    assert error_at(page.text, "isbn") == "“The Hobbit” by Tolkien has this ISBN already."
    assert catalogue() == (1, 1)
    again(client, page, isbn="")
    assert catalogue() == (2, 2)


def test_authors_of_one_name_are_kept_apart_when_a_book_is_edited(
    client: Client,
) -> None:
    authors = [create_author(name="Ann Lee") for _ in range(15)]
    for author in (authors[0], authors[7], authors[14]):
        book = create_book(title="A book", author=author.id)
        assert client.submit(f"/books/{book.id}/edit", title="Changed").status_code == 302
        db.session.expire_all()
        assert (book.author_id, book.title) == (author.id, "Changed")


def test_an_author_whose_sort_name_hides_the_name_stays_when_a_book_is_edited(
    client: Client,
) -> None:
    seuss = create_author(name="Dr. Seuss", sort_name="Seuss")
    create_author(name="Ann Seuss", sort_name="Seuss, Ann")
    book = create_book(title="The Lorax", author=seuss.id)
    assert client.submit(f"/books/{book.id}/edit", year="1971").status_code == 302
    assert only_book().author_id == seuss.id


def test_an_author_who_was_renamed_meanwhile_loses_nothing_typed(
    client: Client,
) -> None:
    author = create_author(name="Ann Lee")
    drawn = form_of(client.get(f"{NEW}?author_id={author.id}").text)
    update_author(author, version=1, name="Bo Li")
    page = client.post(NEW, data=drawn | {"title": "A book", "year": "1999"})
    assert page.status_code == 422
    assert "No author is called “Lee, Ann” yet." in error_at(page.text, "author")
    assert form_of(page.text).items() >= {"title": "A book", "year": "1999"}.items()
    again(client, page, author="Bo Li")
    assert only_book().author_id == author.id


def test_an_author_who_was_deleted_meanwhile_loses_nothing_typed(
    client: Client,
) -> None:
    author = create_author(name="Ann Lee")
    drawn = form_of(client.get(f"{NEW}?author_id={author.id}").text)
    delete_author(author)
    page = client.post(NEW, data=drawn | {"title": "A book", "year": "1999"})
    assert page.status_code == 422
    assert error_at(page.text, "author")
    again(client, page, author_choice=choices(page)[0])
    assert (only_book().title, only_book().year) == ("A book", 1999)
    assert (only_book().author.name, only_book().author.sort_name) == ("Ann Lee", "Lee, Ann")


def test_an_author_is_required(client: Client) -> None:
    page = client.submit(NEW, title="A book", author=" \u200b")
    assert error_at(page.text, "author") == "Enter the author’s name."


@pytest.mark.parametrize("typed", ["%", "_", "\\", "an%", "' OR 1=1 --"])
def test_wildcards_of_sql_fit_no_author(client: Client, typed: str) -> None:
    create_author(name="Bo Li")
    page = client.submit(NEW, title="A book", author=typed)
    assert choices(page) == [f"new: {typed}"]


def test_every_author_of_one_name_can_be_chosen(client: Client) -> None:
    authors = [create_author(name="Ann Lee") for _ in range(14)]
    asked = client.submit(NEW, title="A book", author="Ann Lee")
    assert choices(asked) == [*(str(author.id) for author in authors), "new: Ann Lee"]
    again(client, asked, author_choice=str(authors[13].id))
    assert only_book().author_id == authors[13].id


@pytest.mark.parametrize("typed", ["Mark Twain", "twain, mark", "Clemens, Samuel", "MÁRK TWAIN"])
def test_an_author_who_sorts_under_another_name_is_known_by_both(
    client: Client, typed: str
) -> None:
    for number in range(12):
        create_author(name=f"Mark Twainson {number}")
    twain = create_author(name="Mark Twain", sort_name="Clemens, Samuel")
    assert client.submit(NEW, title="A book", author=typed).status_code == 302
    assert only_book().author_id == twain.id


@pytest.mark.parametrize(
    ("typed", "name", "sort_name"),
    [
        ("Adichie, Chimamanda Ngozi", "Chimamanda Ngozi Adichie", "Adichie, Chimamanda Ngozi"),
        ("Yan, Mo", "Mo Yan", "Yan, Mo"),
        ("Sammy Davis, Jr.", "Sammy Davis, Jr.", "Davis, Sammy, Jr."),
        ("King, Martin Luther, Jr.", "King, Martin Luther, Jr.", "King, Martin Luther, Jr."),
        ("Plato,", "Plato,", "Plato,"),
    ],
)
def test_a_new_author_typed_as_lists_have_it_gets_the_name_of_the_cover(
    client: Client, typed: str, name: str, sort_name: str
) -> None:
    asked = client.submit(NEW, title="A book", author=typed)
    assert f"Add “{name}” as a new author" in text_of(asked.text)
    again(client, asked, author_choice=choices(asked)[0])
    author = only_book().author
    assert (author.name, author.sort_name) == (name, sort_name)


def test_the_offer_that_is_pressed_twice_adds_one_author(client: Client) -> None:
    asked = client.submit(NEW, title="A book", author="Ann Lee")
    for _ in range(2):
        again(client, asked, author_choice="new: Ann Lee")
    assert catalogue() == (1, 2)


def test_the_offer_beside_namesakes_that_is_pressed_twice_is_asked_again(client: Client) -> None:
    for _ in range(2):
        create_author(name="Ann Lee")
    asked = client.submit(NEW, title="A book", author="Ann Lee")
    wrong = again(client, asked, author_choice="new: Ann Lee", year="soon")
    assert again(client, wrong, year="").status_code == 302
    assert len(choices(again(client, wrong, year=""))) == 3 + 1
    assert catalogue() == (3, 1)


def test_a_choice_belongs_to_the_text_that_it_was_drawn_with(client: Client) -> None:
    stephen, martin = (create_author(name=f"{name} King") for name in ("Stephen", "Martin"))
    book = create_book(title="It", author=stephen.id)
    edit = f"/books/{book.id}/edit"
    asked = client.submit(edit, author="King")
    assert asked.status_code == 422
    assert choices(asked)[:2] == [str(martin.id), str(stephen.id)]
    sent = form_of(asked.text) | {"author_choice": str(stephen.id)}
    changed = client.post(edit, data=sent | {"author": "King, M"})
    assert "No author is called “King, M” yet." in error_at(changed.text, "author")
    client.post(edit, data=sent | {"author": " King ", "author_choice": str(martin.id)})
    assert only_book().author_id == martin.id


def test_a_field_lists_the_keys_that_its_form_sends_beside_the_text(
    app: Flask, client: Client
) -> None:
    asked = client.submit(NEW, title="A book", author="Ann Lee", language="gaelic")
    names = {str(a.get("name")) for tag, a in read(asked.text).elements if tag == "input"}
    with app.test_request_context():
        form = BookForm()
    keys = {*form.author.companions, *form.language.companions}
    assert keys == {name for name in names if "_choice" in name}


def test_at_most_a_dozen_authors_are_offered(client: Client) -> None:
    for number in range(20):
        create_author(name=f"Ann Lee {number}")
    assert len(choices(client.submit(NEW, title="A book", author="ann"))) == 12 + 1


# The other fields


@pytest.mark.parametrize(
    "typed",
    ["9780261103283", "978-0-261-10328-3", "0261103288", "0-261-10328-8", "ISBN 0261103288"],
)
def test_an_isbn_is_shown_in_its_thirteen_digits(client: Client, typed: str) -> None:
    create_author(name="Tolkien")
    answer = client.submit(NEW, title="The Hobbit", author="tolkien", isbn=typed)
    assert "978-0-261-10328-3" in text_of(client.get(answer.location).text)
    assert only_book().isbn == HOBBIT


TYPED = {
    "title": "A book",
    "author": "Lee, Ann",
    "isbn": "9780261103573",
    "year": "1954",
    "publisher": "Allen & Unwin",
    "language": "English",
}
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


# Around the form


def test_an_added_book_is_shown_with_a_message(client: Client) -> None:
    author = create_author(name="Ann Lee")
    shown = client.get(client.submit(NEW, **TYPED).location).text
    said = text_of(shown)
    for value in ("“A book” was added.", "1954", "Allen & Unwin", "English", "978-0-261-10357-3"):
        assert value in said
    assert link_to(shown, "Ann Lee") == f"/authors/{author.id}"


def test_save_and_add_another_keeps_author_publisher_and_language(
    client: Client,
) -> None:
    ann = [create_author(name="Ann Lee") for _ in range(2)][1]
    answer = client.submit(NEW, **TYPED, author_choice=str(ann.id), another="1")
    page = client.get(answer.location).text
    assert "“A book” was added." in text_of(page)
    kept = {name: form_of(page)[name] for name in TYPED}
    assert kept == TYPED | {"title": "", "isbn": "", "year": ""}
    client.post(NEW, data=form_of(page) | {"title": "Another"})
    db.session.expire_all()
    assert [book.author_id for book in db.session.scalars(db.select(Book))] == [ann.id] * 2


def test_a_link_from_an_author_fills_the_author_in(client: Client) -> None:
    authors = [create_author(name="Ann Lee") for _ in range(2)]
    page = client.get(f"{NEW}?author_id={authors[1].id}&language=yor&publisher=Faber").text
    filled = {"author": "Lee, Ann", "language": "Yoruba", "publisher": "Faber", "title": ""}
    assert form_of(page).items() >= filled.items()
    client.post(NEW, data=form_of(page) | {"title": "A book"})
    assert only_book().author_id == authors[1].id


@pytest.mark.parametrize(
    "query",
    [
        *("author_id=7", "author_id=x", "author_id=-1", "author_id=", "author_id=%00"),
        *("author_id=2147483648", "author_id=99999999999999999999", "author_id=１"),
        *("language=klingonese", "language=EN", "language=%ff", "language=%00"),
    ],
)
def test_nonsense_in_the_link_leaves_the_form_empty(client: Client, query: str) -> None:
    page = client.get(f"{NEW}?{query}")
    assert page.status_code == 200
    assert form_of(page.text)["author"] == form_of(page.text)["language"] == ""


def test_an_edited_book_is_shown_with_a_message(client: Client) -> None:
    create_author(name="Ann Lee")
    client.submit(NEW, **TYPED)
    edit = f"/books/{only_book().id}/edit"
    assert form_of(client.get(edit).text).items() >= TYPED.items()
    answer = client.submit(edit, title="Another", year="", isbn="", publisher="", language="")
    assert "“Another” was saved." in text_of(client.get(answer.location).text)
    book = only_book()
    assert (book.year, book.isbn, book.publisher, book.language) == (None,) * 4


def test_a_book_is_deleted_after_a_question(client: Client) -> None:
    book = create_book(title="A book", author=create_author(name="Ann Lee").id)
    shown = f"/books/{book.id}"
    url = f"{shown}/delete"
    assert "Delete A book?" in text_of(client.get(url).text)
    assert catalogue() == (1, 1)
    assert "“A book” was deleted." in text_of(client.get(client.submit(url).location).text)
    assert catalogue() == (1, 0)
    assert client.get(shown).status_code == 404


@pytest.mark.parametrize("what", ["", "/edit", "/delete"])
def test_a_book_that_is_not_there_is_not_found(client: Client, what: str) -> None:
    assert client.get(f"/books/1{what}").status_code == 404


@pytest.mark.parametrize(("typed", "found"), [("two tow", 1), ("TOWERS the", 1), ("misera", 1)])
def test_a_book_is_found_by_any_part_of_the_title(client: Client, typed: str, found: int) -> None:
    author = create_author(name="Ann Lee").id
    create_book(title="The Two Towers", author=author, language="eng")
    create_book(title="Les Misérables", author=author, language="fra")
    page = client.get("/books/", query_string={"q": typed}).text
    assert len(rows_of(page)) == found


def test_titles_stand_under_their_first_word_that_counts(client: Client) -> None:
    author = create_author(name="Ann Lee").id
    for title, language in [("The Two", "eng"), ("Les Misérables", "fra"), ("Zoo", None)]:
        create_book(title=title, author=author, language=language)
    assert rows_of(client.get("/books/").text) == ["Les Misérables", "The Two", "Zoo"]
