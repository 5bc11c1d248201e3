"""The author of a book, as typed: who is taken, who is offered, and who is added with the book."""

import pytest
from book_form import HOBBIT, NEW, again, catalogue, choices, only_book
from flask import Flask
from house import HousekeepingClient as Client
from house import error_at, form_of, read, rows_of, text_of

from bookshelf.authors.services import create_author, delete_author, update_author
from bookshelf.books.forms import BookForm
from bookshelf.books.services import create_book
from bookshelf.core.db import db


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


def test_a_page_that_asks_something_else_shows_who_was_chosen(client: Client) -> None:
    chosen, _ = (create_author(name=f"{name} King") for name in ("Stephen", "Martin"))
    asked = client.submit(NEW, title="It", author="King", language="engl")
    wrong = again(client, asked, author_choice=str(chosen.id))
    assert form_of(wrong.text)["author"] == "King, Stephen"
    assert error_at(wrong.text, "language").startswith("“engl” fits several.")
    assert again(client, wrong, language_choice="eng").status_code == 302
    assert only_book().author_id == chosen.id


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
