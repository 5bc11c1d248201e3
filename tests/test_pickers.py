"""Pickers as a person meets them: with the keyboard, with the mouse, and when something fails."""

import re
from collections.abc import Callable, Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from browsing import PATIENCE
from conftest import Place
from flask_migrate import upgrade
from house import add_person, cookie_of
from playwright.sync_api import Locator, Page, Route, expect
from serving import served

from bookshelf.authors.services import create_author
from bookshelf.books.services import create_book
from bookshelf.core.db import db

PAUSE_MS = 150  # as combobox.js has it
ASKED = "**/books/authors*"
SCRIPT = "<img src=x onerror=window.hacked=1>"


@pytest.fixture(scope="module")
def site(create_place: Callable[[str], Place]) -> Iterator[str]:
    """A shelf with two of one name, one that would be script, and a prolific author."""
    place = create_place("sqlite")
    with place.app().app_context():
        upgrade()
        for country in ("GB", "US"):
            create_author(name="John Smith", country=country)
        create_author(name="Smithson, Al", sort_name="Smithson, Al")
        create_author(name=f"Eve {SCRIPT}", sort_name=f"Eve {SCRIPT}")
        book = create_book(title="The Anvil", author=create_author(name="Joan Blacksmith").id)
        assert book.id == 1
        db.session.commit()
        add_person("editor")
    with served(place) as address:
        yield address


@pytest.fixture
def page(page: Page, site: str) -> Page:
    """A page of an editor."""
    value = cookie_of("editor")
    cookie = {"name": "session", "value": value, "domain": "127.0.0.1", "path": "/"}
    page.context.add_cookies([cookie])  # type: ignore[list-item]
    page.context.set_default_timeout(PATIENCE * 1000)
    return page


def picker(page: Page, label: str) -> Locator:
    """The combobox of that label."""
    return page.locator("main").get_by_role("combobox", name=re.compile(f"^{label}( optional)?$"))


def options(page: Page) -> Locator:
    """What is offered at present."""
    return page.get_by_role("option")


def test_an_author_is_chosen_with_the_keyboard_alone(page: Page, site: str) -> None:
    page.goto(f"{site}/books/new")
    page.get_by_label("Title").fill("Collected works")
    author = picker(page, "Author")
    author.focus()
    expect(author).to_have_attribute("aria-expanded", "false")
    page.keyboard.type("smith")
    expect(options(page)).to_have_count(5)  # and the offer to add one
    expect(author).to_have_attribute("aria-expanded", "true")
    expect(page.get_by_role("status")).to_have_text("5 suggestions")
    expect(options(page).nth(1)).to_contain_text("Smith, John United States, 0 books")
    expect(options(page).nth(3)).to_contain_text("Blacksmith, Joan no country, 1 book")
    assert not author.get_attribute("aria-activedescendant")
    for key, active in (("Down", 0), ("Down", 1), ("Up", 0), ("Up", 4), ("Down", 0), ("Down", 1)):
        page.keyboard.press(f"Arrow{key}")
        expect(author).to_have_attribute("aria-activedescendant", f"author-options-{active}")
        expect(options(page).nth(active)).to_have_attribute("aria-selected", "true")
    assert Axe().run(page).violations_count == 0
    page.keyboard.press("Enter")
    expect(author).to_have_value("Smith, John")
    expect(author).to_have_attribute("aria-expanded", "false")
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_have_text("“Collected works” was added.")
    page.get_by_role("link", name="John Smith").click()
    expect(page.locator("main")).to_contain_text("United States")


def test_escape_home_and_leaving_keep_what_was_typed(page: Page, site: str) -> None:
    page.goto(f"{site}/books/new")
    author = picker(page, "Author")
    author.press_sequentially("smith")
    expect(options(page)).to_have_count(5)
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Home")
    expect(author).not_to_have_attribute("aria-activedescendant", "author-options-0")
    page.keyboard.press("Escape")
    expect(options(page)).to_have_count(0)
    expect(author).to_have_value("smith")
    page.keyboard.press("ArrowUp")  # opens it again, at its end
    expect(author).to_have_attribute("aria-activedescendant", "author-options-4")
    page.keyboard.press("Tab")
    expect(options(page)).to_have_count(0)
    expect(author).to_have_value("smith")


def test_an_author_is_added_from_what_is_offered(page: Page, site: str) -> None:
    page.goto(f"{site}/books/new")
    page.get_by_label("Title").fill("Songs")
    picker(page, "Author").press_sequentially("Sappho")
    options(page).filter(has_text="Add “Sappho” as a new author").click()
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("status")).to_have_text("“Songs” was added.")
    expect(page.locator("main")).to_contain_text("Sappho")


def test_a_choice_is_forgotten_once_the_text_is_changed(page: Page, site: str) -> None:
    page.goto(f"{site}/books/1/edit")
    author = picker(page, "Author")
    author.fill("smith")
    options(page).nth(0).click()
    author.fill("Smithson, Al")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.locator("main")).to_contain_text("Smithson, Al")


def test_a_choice_takes_the_place_of_the_question_that_the_page_asked(
    page: Page, site: str
) -> None:
    page.goto(f"{site}/books/new")
    page.get_by_label("Title").fill("Poems")
    picker(page, "Author").fill("John Smith")
    page.get_by_role("button", name="Save", exact=True).click()
    page.get_by_label("Smith, John United Kingdom").check()
    author = picker(page, "Author")
    author.fill("smiths")
    options(page).nth(0).click()
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("status")).to_have_text("“Poems” was added.")
    expect(page.locator("main")).to_contain_text("Smithson, Al")


def test_a_list_is_narrowed_to_the_very_author_who_was_chosen(page: Page, site: str) -> None:
    page.goto(f"{site}/books/")
    page.get_by_text("Filters", exact=True).click()
    picker(page, "Author").press_sequentially("john smith")
    options(page).filter(has_text="United Kingdom").click()
    page.get_by_role("button", name="Narrow the list").click()
    expect(page.get_by_role("link", name="John Smith , remove")).to_be_visible()
    assert "author_id=1" in page.url


def test_countries_and_languages_are_offered_too(page: Page, site: str) -> None:
    page.goto(f"{site}/authors/new")
    picker(page, "Country").press_sequentially("holla")
    expect(options(page)).to_have_text("Netherlands NL")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(picker(page, "Country")).to_have_value("Netherlands")
    page.goto(f"{site}/books/")
    page.get_by_text("Filters", exact=True).click()
    picker(page, "Language").press_sequentially("germ")
    expect(options(page).first).to_have_text("German deu")


def test_what_people_have_written_is_text(page: Page, site: str) -> None:
    page.goto(f"{site}/books/new")
    picker(page, "Author").press_sequentially("eve")
    expect(options(page).first).to_contain_text(f"Eve {SCRIPT}")
    assert not page.evaluate("window.hacked")


@pytest.mark.parametrize("fault", ["no answer", "signed out"])
def test_a_fault_is_said_quietly_and_typing_goes_on(page: Page, site: str, fault: str) -> None:
    page.goto(f"{site}/books/new")
    if fault == "signed out":
        page.context.clear_cookies()
    else:
        page.route(ASKED, lambda route: route.abort())
    author = picker(page, "Author")
    author.press_sequentially("smith")
    expect(page.locator(".options-fault")).to_contain_text("What you type counts all the same.")
    expect(options(page)).to_have_count(0)
    author.press_sequentially("son")
    expect(author).to_have_value("smithson")


def test_only_the_latest_answer_counts_and_not_each_key_asks(page: Page, site: str) -> None:
    asked: list[str] = []
    held: list[Route] = []

    def hold(route: Route) -> None:
        asked.append(route.request.url.rpartition("q=")[2])
        held.append(route) if len(asked) == 1 else route.continue_()

    page.route(ASKED, hold)
    page.clock.install(time=0)
    page.goto(f"{site}/books/new")
    page.clock.pause_at(3_600_000)  # however slowly the keys are pressed, no time passes
    author = picker(page, "Author")
    for typed in ("joh", "n"):
        author.press_sequentially(typed)
        page.clock.run_for(PAUSE_MS - 1)
        with page.expect_request(ASKED):
            page.clock.run_for(1)
    expect(options(page)).to_have_count(3)
    assert asked == ["joh", "john"]


@pytest.mark.browser_context_args(java_script_enabled=False)
def test_without_script_the_fields_are_plain_ones(page: Page, site: str) -> None:
    page.goto(f"{site}/books/new")
    assert page.get_by_role("combobox").count() == 0
    page.get_by_label("Title").fill("Letters")
    page.get_by_label("Author").fill("Blacksmith")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("status")).to_have_text("“Letters” was added.")
