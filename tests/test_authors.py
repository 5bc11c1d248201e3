"""The pages of authors: finding them in the list, adding them, changing them."""

from typing import Any

import pytest
from house import HousekeepingClient as Client
from house import error_at, field_of, form_of, link_to, rows_of, text_of

from bookshelf.authors import queries
from bookshelf.authors.models import Author
from bookshelf.authors.services import create_author
from bookshelf.books.services import create_book
from bookshelf.core.db import db

NEW = "/authors/new"


def only_author() -> Author:
    """The one author in the catalogue, as the database now has them."""
    db.session.expire_all()
    found: Author = db.session.scalars(db.select(Author)).one()
    return found


def number_of_authors() -> int:
    db.session.expire_all()
    return queries.total().number


# The list


@pytest.mark.parametrize(
    "typed",
    [
        "adich",
        "ADICH",
        "ngozi chima",
        "chimamanda ngozi adichie",
        "  Adichie,  Chimamanda ",
        "manda",
        "Àdíchîé",
    ],
)
def test_an_author_is_found_by_any_part_of_the_name(client: Client, typed: str) -> None:
    create_author(name="Chimamanda Ngozi Adichie")
    create_author(name="Chinua Achebe")
    page = client.get("/authors/", query_string={"q": typed})
    assert rows_of(page.text) == ["Adichie, Chimamanda Ngozi"]


@pytest.mark.parametrize("typed", ["GARCIA marquez", "garcía", "Marquez Gabriel"])
def test_accents_need_not_be_typed(client: Client, typed: str) -> None:
    create_author(name="Gabriel García Márquez")
    create_author(name="Federico García Lorca")
    page = client.get("/authors/", query_string={"q": typed + " gabr"})
    assert len(rows_of(page.text)) == 1


@pytest.mark.parametrize("typed", ["%", "_", "\\", "%%", "\\%", "_%", "k%z"])
def test_wildcards_of_sql_mean_nothing_in_a_search(client: Client, typed: str) -> None:
    create_author(name="Abe Kobo")
    assert rows_of(client.get("/authors/", query_string={"q": typed}).text) == []


@pytest.mark.parametrize("name", ["%", "_", "\\", "%_\\"])
def test_a_name_of_wildcards_is_found_by_itself(client: Client, name: str) -> None:
    create_author(name=name)
    create_author(name="Abe Kobo")
    assert rows_of(client.get("/authors/", query_string={"q": name}).text) == [name]


def test_a_search_that_fits_nobody_leads_back_to_all(client: Client) -> None:
    create_author(name="Abe Kobo")
    page = client.get("/authors/?q=zzz").text
    assert "No authors fit that." in text_of(page)
    assert link_to(page, "Show all authors") == "/authors/"


def test_an_empty_list_offers_to_add_the_first(client: Client) -> None:
    page = client.get("/authors/").text
    assert "There are no authors yet." in text_of(page)
    assert link_to(page, "Add the first") == NEW


@pytest.mark.parametrize("typed", ["GB", "gb", "uk", "United Kingdom", "england", "GBR", "826"])
def test_authors_are_narrowed_to_a_country(client: Client, typed: str) -> None:
    create_author(name="Zadie Smith", country="GB")
    create_author(name="Ali Smith")
    create_author(name="Patti Smith", country="US")
    page = client.get("/authors/", query_string={"country": typed}).text
    assert rows_of(page) == ["Smith, Zadie"]
    assert field_of(page, "country")["value"] == "United Kingdom"


@pytest.mark.parametrize(
    ("typed", "notice"),
    [
        ("atlantis", "“atlantis” fits no country. The list is not narrowed by it."),
        ("congo", "“congo” fits several: Congo (Brazzaville), Congo (Kinshasa)."),
        ("kinsha", "“kinsha” fits only in part: Congo (Kinshasa). The list is not narrowed by it."),
    ],
)
def test_a_country_that_is_not_clear_narrows_nothing_and_says_so(
    client: Client, typed: str, notice: str
) -> None:
    create_author(name="Alain Mabanckou", country="CG")
    page = client.get("/authors/", query_string={"country": typed}).text
    assert notice in text_of(page)
    assert rows_of(page) == ["Mabanckou, Alain"]


# The form


def test_an_added_author_is_shown_with_a_message(client: Client) -> None:
    answer = client.submit(NEW, name="Chimamanda Ngozi Adichie", country="Nigeria", bio="Writes.")
    shown = client.get(answer.location)
    assert (answer.status_code, shown.status_code) == (302, 200)
    for said in ("Chimamanda Ngozi Adichie was added.", "Nigeria", "Writes.", "No books yet"):
        assert said in text_of(shown.text)


def test_the_name_to_sort_by_is_proposed(client: Client) -> None:
    client.submit(NEW, name="Chimamanda Ngozi Adichie")
    assert rows_of(client.get("/authors/").text) == ["Adichie, Chimamanda Ngozi"]


def test_a_corrected_name_to_sort_by_is_kept(client: Client) -> None:
    client.submit(NEW, name="Mo Yan", sort_name="Mo Yan")
    client.submit(f"/authors/{only_author().id}/edit", bio="Guan Moye")
    assert rows_of(client.get("/authors/").text) == ["Mo Yan"]


def test_a_proposed_name_to_sort_by_follows_the_name(client: Client) -> None:
    author = create_author(name="Jon Smith")
    client.submit(f"/authors/{author.id}/edit", name="Jane Doe")
    assert only_author().sort_name == "Doe, Jane"


def test_a_corrected_name_to_sort_by_does_not_follow_the_name(client: Client) -> None:
    author = create_author(name="Mo Yann", sort_name="Mo Yann")
    client.submit(f"/authors/{author.id}/edit", name="Mo Yan")
    assert only_author().sort_name == "Mo Yann"


def test_an_emptied_name_to_sort_by_is_proposed_anew(client: Client) -> None:
    author = create_author(name="Ursula K. Le Guin", sort_name="Guin, U.")
    client.submit(f"/authors/{author.id}/edit", sort_name=" ")
    assert only_author().sort_name == "Le Guin, Ursula K."


@pytest.mark.parametrize(
    ("typed", "code"),
    [
        ("uk", "GB"),
        ("GB", "GB"),
        ("turkey", "TR"),
        ("Türkiye", "TR"),
        ("USSR", "SUHH"),
        ("nigeria", "NG"),
        ("  côte d’ivoire ", "CI"),
        ("", None),
        (" \u200b", None),
    ],
)
def test_a_country_is_stored_by_its_code(client: Client, typed: str, code: str | None) -> None:
    answer = client.submit(NEW, name="Somebody", country=typed)
    assert answer.status_code == 302
    assert only_author().country == code


def test_a_country_that_fits_several_is_chosen_from_them(client: Client) -> None:
    asked = client.submit(NEW, name="Alain Mabanckou", country="congo")
    assert asked.status_code == 422
    assert "“congo” fits several. Choose one" in error_at(asked.text, "country")
    for label in ("Congo (Brazzaville)", "Congo (Kinshasa)"):
        assert label in text_of(asked.text)
    client.post(NEW, data=form_of(asked.text) | {"country_choice": "CG"})
    assert only_author().country == "CG"


def test_a_country_that_fits_only_in_part_is_offered(client: Client) -> None:
    asked = client.submit(NEW, name="Somebody", country="Man")
    assert asked.status_code == 422
    said = "“Man” fits only in part. Choose what is meant, or type more of it."
    assert error_at(asked.text, "country") == said
    client.post(NEW, data=form_of(asked.text) | {"country_choice": "IM"})
    assert only_author().country == "IM"


def test_a_country_that_was_chosen_before_gives_way_to_other_text(client: Client) -> None:
    author = create_author(name="Han Kang", country="KR")
    asked = client.submit(f"/authors/{author.id}/edit", country="Korea")
    assert "“Korea” fits several." in error_at(asked.text, "country")


def test_a_choice_without_the_text_that_it_was_drawn_with_is_taken(client: Client) -> None:
    client.submit(NEW, name="Somebody", country="congo", country_choice="CG")
    assert only_author().country == "CG"


def test_text_that_is_changed_afterwards_wins_over_the_choice(client: Client) -> None:
    asked = client.submit(NEW, name="Alain Mabanckou", country="congo")
    changed = {"country_choice": "CG", "country": "France"}
    client.post(NEW, data=form_of(asked.text) | changed)
    assert only_author().country == "FR"
    client.submit(f"/authors/{only_author().id}/edit", country="uk")
    assert only_author().country == "GB"


def test_an_unclear_country_stays_chosen_when_nothing_else_changes(
    client: Client,
) -> None:
    author = create_author(name="Alain Mabanckou", country="CG")
    client.submit(f"/authors/{author.id}/edit", bio="Born in Pointe-Noire.")
    assert only_author().country == "CG"


def test_an_emptied_country_is_none(client: Client) -> None:
    author = create_author(name="Alain Mabanckou", country="CG")
    client.submit(f"/authors/{author.id}/edit", country="")
    assert only_author().country is None


TYPED = {"name": "Ann Lee", "sort_name": "Lee", "bio": "One.\nTwo & <b>three</b>.", "country": "uk"}
FAULTS: list[tuple[str, str, str]] = [
    ("name", "", "Enter the author’s name."),
    ("name", "   ", "Enter the author’s name."),
    ("name", "\u200b\u2060\ufeff", "Enter the author’s name."),
    ("name", "x" * 301, "This is 1 characters too long; 300 fit."),
    ("name", "An\x00n", "Remove the invisible character U+0000; it cannot be kept."),
    ("name", "An\x1bn", "Remove the invisible character U+001B; it cannot be kept."),
    ("sort_name", "y" * 1300, "This is 1,000 characters too long; 300 fit."),
    ("sort_name", "An\x07n", "Remove the invisible character U+0007; it cannot be kept."),
    ("bio", "z" * 20_001, "This is 1 characters too long; 20,000 fit."),
    ("bio", "a\x00b", "Remove the invisible character U+0000; it cannot be kept."),
    ("country", "Atlantis", "No country is called “Atlantis”. Try another name, or its code."),
    ("country", "G\x00B", "Remove the invisible character U+0000; it cannot be kept."),
    ("country", "c" * 5000, "This is 4,700 characters too long; 300 fit."),
]


@pytest.mark.parametrize(("name", "typed", "message"), FAULTS)
def test_a_wrong_field_says_why_and_all_that_was_typed_stays(
    client: Client, name: str, typed: str, message: str
) -> None:
    page = client.submit(NEW, **TYPED | {name: typed})
    assert page.status_code == 422
    assert error_at(page.text, name) == message
    assert "autofocus" in field_of(page.text, name)
    kept = form_of(page.text)
    for other in TYPED.keys() - {name}:
        assert kept[other] == TYPED[other]
        assert error_at(page.text, other) == ""
        assert "autofocus" not in field_of(page.text, other)
    assert kept[name] == ("" if message.startswith("Enter") else typed)
    assert number_of_authors() == 0


def test_the_focus_is_on_the_first_of_several_wrong_fields(client: Client) -> None:
    page = client.submit(NEW, name="Ann", sort_name="x" * 301, country="Atlantis").text
    focused = [name for name in TYPED if "autofocus" in field_of(page, name)]
    assert focused == ["sort_name"]
    assert error_at(page, "country")


def test_the_focus_is_on_the_name_of_a_fresh_form(client: Client) -> None:
    page = client.get(NEW).text
    assert [name for name in TYPED if "autofocus" in field_of(page, name)] == ["name"]
    assert not [name for name in TYPED if field_of(page, name).get("aria-invalid")]


def test_a_hint_stays_beside_the_message_of_its_field(client: Client) -> None:
    page = client.submit(NEW, name="Ann", country="Atlantis").text
    described = (field_of(page, "country")["aria-describedby"] or "").split()
    assert len(described) == 2
    assert error_at(page, "country")


def test_a_biography_keeps_its_lines_and_its_length(client: Client) -> None:
    bio = "\n\n".join(["\U0001f4da Zeile mit Umlauten: äöü & <i>"] * 700)[:19_990] + "the end"
    client.submit(NEW, name="Ann", bio=bio.replace("\n", "\r\n"))
    edit = client.get(f"/authors/{only_author().id}/edit").text
    assert form_of(edit)["bio"] == bio == only_author().bio
    client.submit(f"/authors/{only_author().id}/edit", name="Anna")
    assert only_author().bio == bio


def test_names_fill_their_columns_to_the_last_character(client: Client) -> None:
    name = "Łódź \U0001f4d6 " + "ü" * 293
    assert client.submit(NEW, name=name, bio="b" * 20_000).status_code == 302
    assert only_author().name == name


def test_what_is_typed_is_shown_and_never_run(client: Client) -> None:
    name = "<script>alert('1')</script>\"&amp;"
    shown = client.get(client.submit(NEW, name=name, bio=name).location)
    assert "<script>alert" not in shown.text
    assert name not in shown.text
    for said in (name, f"{name} was added."):
        assert said in text_of(shown.text)


def test_save_and_add_another_leads_to_a_fresh_form(client: Client) -> None:
    answer = client.submit(NEW, name="Ann Lee", country="uk", another="1")
    assert answer.location == NEW
    page = client.get(answer.location).text
    assert "Ann Lee was added." in text_of(page)
    assert form_of(page)["name"] == form_of(page)["country"] == ""


def test_two_authors_may_share_a_name(client: Client) -> None:
    for _ in range(2):
        client.submit(NEW, name="John Smith")
    assert rows_of(client.get("/authors/").text) == ["Smith, John"] * 2


def test_an_edited_author_is_shown_with_a_message(client: Client) -> None:
    author = create_author(name="Ann Lee", country="GB", bio="Old.")
    edit = client.get(f"/authors/{author.id}/edit").text
    drawn = {"name": "Ann Lee", "sort_name": "Lee, Ann", "country": "United Kingdom", "bio": "Old."}
    assert {name: form_of(edit)[name] for name in TYPED} == drawn
    answer = client.submit(f"/authors/{author.id}/edit", name="Anna Lee", bio="New.")
    assert answer.location == f"/authors/{author.id}"
    shown = text_of(client.get(answer.location).text)
    assert "Anna Lee was saved." in shown
    assert "New." in shown
    assert "Old." not in shown


# The page of one


def test_an_author_is_shown_with_the_books_and_a_way_to_add_one(client: Client) -> None:
    author = create_author(name="Ann Lee", country="SUHH")
    create_book(title="The Zoo", author=author.id, year=1999)
    create_book(title="An Apple", author=author.id)
    create_book(title="Strange", author=create_author(name="Bob").id)
    page = client.get(f"/authors/{author.id}").text
    said = text_of(page)
    assert said.index("2 books") < said.index("An Apple") < said.index("The Zoo")
    assert "Soviet Union" in said
    assert "Strange" not in said
    prefilled = client.get(link_to(page, "Add a book") or "").text
    assert form_of(prefilled)["author"] == "Lee, Ann"


def test_an_author_of_many_books_links_to_all_of_them(client: Client) -> None:
    author = create_author(name="Enid Blyton")
    for number in range(60):
        create_book(title=f"Book {number:02}", author=author.id)
    page = client.get(f"/authors/{author.id}").text
    listed = client.get(link_to(page, "All 60 books") or "").text
    assert rows_of(listed)[0] == "Book 00"
    assert len(rows_of(listed)) == 50


@pytest.mark.parametrize("what", ["", "/edit", "/delete"])
def test_an_author_who_is_not_there_is_not_found(client: Client, what: str) -> None:
    page = client.get(f"/authors/1{what}")
    assert page.status_code == 404
    assert "There is nothing at this address." in text_of(page.text)


def added(client: Client, **typed: Any) -> int:
    """The id of an author who was added through the form."""
    return int(client.submit(NEW, **typed).location.rpartition("/")[2])


def test_an_author_is_deleted_after_a_question(client: Client) -> None:
    author_id = added(client, name="Ann Lee")
    asked = client.get(f"/authors/{author_id}/delete").text
    assert "Delete Ann Lee?" in text_of(asked)
    assert number_of_authors() == 1
    answer = client.submit(f"/authors/{author_id}/delete")
    assert "Ann Lee was deleted." in text_of(client.get(answer.location).text)
    assert number_of_authors() == 0
