"""What a person does in a browser with the program as it is served."""

import re
from collections.abc import Callable

import pytest
from browsing import (
    PASSWORD,
    filled_shelf,  # noqa: F401  # the fixture `shelf`
    look,
    press,
    start_serving,  # noqa: F401  # the fixture `serve`
    visit,
    watched_page,  # noqa: F401  # the fixture `page`
)
from playwright.sync_api import Page, expect


def test_what_a_search_finds_is_counted_once_it_is_shown(page: Page, shelf: str) -> None:
    page.goto(f"{shelf}/books/?q=the&size=25")
    total = page.get_by_role("status")
    expect(total).to_have_text(re.compile(r"^\d+ books Export as CSV$"))
    page.route("**/*count=capped*", lambda route: route.fulfill(body=""))
    page.goto(f"{shelf}/books/?q=the&size=25&sort=year")
    expect(total).to_have_text("More than 25 books Count exactly Export as CSV")


@pytest.mark.parametrize("kind", ["sqlite", "pgbouncer"])
@pytest.mark.browser_context_args(java_script_enabled=False)
def test_an_author_and_her_book_come_and_go(
    page: Page, serve: Callable[..., str], kind: str
) -> None:
    site = serve(kind)
    page.goto(site)
    expect(page.locator("main")).to_contain_text("The shelf is empty")

    page.get_by_role("link", name="Add an author").first.click()
    page.get_by_label("Name", exact=False).first.fill("Chimamanda Ngozi Adichie")
    page.get_by_label("Country").fill("nigeria")
    press(page, "Save")
    expect(page.get_by_role("status")).to_have_text("Chimamanda Ngozi Adichie was added.")
    expect(page.locator("main")).to_contain_text("Adichie, Chimamanda Ngozi")
    expect(page.locator("main")).to_contain_text("Nigeria")

    page.get_by_role("link", name="Add a book").click()
    expect(page.get_by_label("Author")).to_have_value("Adichie, Chimamanda Ngozi")
    page.get_by_label("Title").fill("Half of a Yellow Sun")
    page.get_by_label("ISBN").fill("9780007200283")
    press(page, "Save")
    expect(page.get_by_role("status")).to_have_text("“Half of a Yellow Sun” was added.")
    expect(page.locator("main")).to_contain_text("978-0-00-720028-3")

    follow(page, "Authors")
    page.get_by_role("searchbox", name="Find by name").fill("ADÍCH")
    press(page, "Find")
    expect(page.get_by_role("row")).to_have_count(2)
    page.get_by_role("link", name="Adichie, Chimamanda Ngozi").click()

    [found] = page.request.get(f"{site}/api/authors").json()["items"]
    assert found["name"] == "Chimamanda Ngozi Adichie"
    assert found["country"] == {"code": "NG", "name": "Nigeria"}
    [book] = page.request.get(site + found["links"]["books"]).json()["items"]
    assert book["isbn"] == "9780007200283"

    follow(page, "Edit")
    page.get_by_label("Country").fill("usa")
    press(page, "Save")
    expect(page.locator("main")).to_contain_text("United States")

    follow(page, "Delete")
    expect(page.locator("main")).to_contain_text("still has 1 book. Move or delete them first.")
    follow(page, "Half of a Yellow Sun")
    for name in ("“Half of a Yellow Sun”", "Chimamanda Ngozi Adichie"):
        follow(page, "Delete")
        press(page, "Delete")
        expect(page.get_by_role("status")).to_have_text(f"{name} was deleted.")
        follow(page, "Authors")
        if name.startswith("“"):
            follow(page, "Adichie, Chimamanda Ngozi")
    expect(page.locator("main")).to_contain_text("There are no authors yet.")
    assert page.request.get(f"{site}/api/authors").json()["items"] == []


def follow(page: Page, link: str) -> None:
    """Go where the link of that name leads."""
    page.get_by_role("link", name=link, exact=True).click()


def test_an_author_is_added_without_the_mouse(page: Page, serve: Callable[..., str]) -> None:
    page.goto(serve("sqlite"))
    page.keyboard.press("Tab")
    expect(page.locator(":focus")).to_have_text("Skip to the content")
    tab_to(page, "Add an author")
    page.keyboard.press("Enter")
    expect(page.locator(":focus")).to_have_attribute("name", "name")
    assert_focus_shows(page)
    page.keyboard.type("Wole Soyinka")
    tab_to(page, "country")
    page.keyboard.type("Nigeria")
    tab_to(page, "Save")
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_have_text("Wole Soyinka")
    expect(page.locator("main")).to_contain_text("Nigeria")


def tab_to(page: Page, goal: str) -> None:
    """Press Tab until a link of that text or a field of that name has the focus, in full view."""
    for _ in range(20):
        page.keyboard.press("Tab")
        assert_focus_shows(page)
        focused = page.locator(":focus")
        if goal in (focused.inner_text().strip(), focused.get_attribute("name")):
            return
    pytest.fail(f"Tab does not reach {goal}")


def assert_focus_shows(page: Page) -> None:
    """The element in focus is within the window, and marked by an outline or a halo."""
    expect(page.locator(":focus")).to_be_in_viewport()
    marks = page.evaluate(
        """() => { const style = getComputedStyle(document.activeElement);
        return [style.outlineStyle, style.boxShadow] }"""
    )
    assert marks != ["none", "none"]


def test_what_was_typed_outlives_the_session(page: Page, shelf: str) -> None:
    page.goto(f"{shelf}/authors/new")
    page.get_by_label("Name").first.fill("Wole Soyinka")
    page.get_by_label("Biography").fill("Poet,\nplaywright.")
    page.context.clear_cookies()
    press(page, "Save")
    expect(page.locator("main")).to_contain_text("nothing that you typed is lost")
    look(page, "session ended with text")
    page.get_by_label("E-mail").fill("ann@example.org")
    page.get_by_label("Password").fill("wrong password")
    press(page, "Sign in and go on")
    expect(page.locator("main")).to_contain_text("The e-mail address or the password is wrong.")
    page.get_by_label("Password").fill(PASSWORD)
    press(page, "Sign in and go on")
    expect(page.get_by_label("Name").first).to_have_value("Wole Soyinka")
    expect(page.get_by_label("Biography")).to_have_value("Poet,\nplaywright.")
    press(page, "Save")
    expect(page.get_by_role("status")).to_have_text("Wole Soyinka was added.")


def test_a_stranger_signs_in_and_gets_where_they_wanted(page: Page, shelf: str) -> None:
    page.context.clear_cookies()
    page.goto(f"{shelf}/books/?sort=-year")
    look(page, "sign in")
    page.get_by_label("E-mail").fill("ANN@example.org")
    page.get_by_label("Password").fill("wrong password")
    press(page, "Sign in")
    look(page, "sign in refused")
    page.get_by_label("Password").fill(PASSWORD)
    page.keyboard.press("Enter")
    expect(page).to_have_url(f"{shelf}/books/?sort=-year")
    press(page, "Sign out")
    page.goto(f"{shelf}/books/")
    expect(page.locator("h1")).to_have_text("Sign in")


def test_somebody_is_invited_and_chooses_a_password(page: Page, shelf: str) -> None:
    page.goto(f"{shelf}/people/new")
    page.get_by_label("E-mail").fill("bo@example.org")
    page.get_by_label("Role").select_option("viewer")
    press(page, "Make the link")
    look(page, "link")
    link = page.get_by_label("Link").input_value()
    page.context.clear_cookies()
    page.goto(link)
    look(page, "invitation")
    page.get_by_label("Name").fill("Bo Li")
    page.get_by_label("Password").fill("password")
    press(page, "Save and sign in")
    expect(page.locator("main")).to_contain_text("one of the commonest passwords")
    page.get_by_label("Password").fill("a better one indeed")
    press(page, "Save and sign in")
    expect(page.locator("header")).to_contain_text("Bo Li")
    expect(page.locator("main")).not_to_contain_text("Add a book")
    assert visit(page, link) == 404
