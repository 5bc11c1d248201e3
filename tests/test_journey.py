"""What a person does in a browser with the program as it is served, and how the pages look."""

import contextlib
import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from conftest import Place
from flask_migrate import downgrade, upgrade
from house import add_person, cookie_of
from playwright.sync_api import ConsoleMessage, Page, expect
from serving import served
from sqlalchemy import text

from bookshelf.accounts.services import create_user
from bookshelf.authors.services import create_author
from bookshelf.books.services import create_book
from bookshelf.core.db import db
from bookshelf.core.permissions import Role
from bookshelf.seed.services import add_missing

PATIENCE = 20  # seconds until a page has to be there
SHOTS = os.environ.get("BOOKSHELF_SHOTS")  # a folder for pictures of every page
AXE = {
    "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"],
    "resultTypes": ["violations"],
}
LOOKS: list[tuple[Literal["light", "dark"], int]] = [("light", 1280), ("dark", 320)]
if SHOTS:
    LOOKS += [("dark", 1280), ("light", 320)]

CUT_OFF = """[...document.querySelectorAll(".table-scroll")]
    .reduce((sum, box) => sum + box.scrollWidth - box.clientWidth, 0)"""

LONG_NAME, LONG_TITLE = "W" * 300, "Überlänge" * 100
PASSWORD = "correct horse battery"
LONG, TWIN, FAMOUS = 1, 2, 4  # ids of authors, in the order in which they are added


def fill() -> None:
    """The seed, and before it what is long or double."""
    upgrade()
    long = create_author(name=LONG_NAME, bio="b" * 500, country="GB")
    create_book(title=LONG_TITLE, author=long.id, publisher="P" * 300, year=-750, language="eng")
    for country in ("GB", None):
        create_author(name="John Smith", country=country)
    famous = create_author(name="Ursula Kroeber Le Guin", country="US", bio="Of Earthsea.")
    create_book(title="The Dispossessed", author=famous.id, isbn="9780060512750", year=1974)
    add_missing()
    add_person("administrator")
    create_user(email="w@" + "example." * 20 + "org", name=LONG_NAME, role=Role.VIEWER)
    create_user(email="ann@example.org", name="Ann", role=Role.EDITOR, password=PASSWORD)
    db.session.commit()


def spoil() -> None:
    """An author whom no version of Bookshelf has written, and none can read."""
    upgrade()
    create_author(name="Nobody")
    db.session.execute(text("UPDATE authors SET created_at = 'never'"))
    db.session.commit()


@pytest.fixture(scope="module")
def serve(create_place: Callable[[str], Place]) -> Iterator[Callable[..., str]]:
    """Serve a new database of a kind after a step, which migrates it."""
    with contextlib.ExitStack() as stack:

        def start(kind: str, step: Callable[[], None] = upgrade) -> str:
            place = create_place(kind)
            with place.app().app_context():
                step()
                add_person("administrator")
            return stack.enter_context(served(place))

        yield start


@pytest.fixture(scope="module")
def empty(serve: Callable[..., str]) -> str:
    return serve("sqlite")


@pytest.fixture(scope="module")
def shelf(serve: Callable[..., str]) -> str:
    return serve("sqlite", fill)


@pytest.fixture(scope="module")
def broken(serve: Callable[..., str]) -> str:
    return serve("sqlite", spoil)


@pytest.fixture(scope="module")
def behind(serve: Callable[..., str]) -> str:
    return serve("sqlite", lambda: None)


@pytest.fixture
def page(page: Page) -> Iterator[Page]:
    """A page that asks no other host and meets no fault in its files, its script or its policy."""
    page.context.set_default_timeout(PATIENCE * 1000)
    value = cookie_of("administrator")
    page.context.add_cookies(
        [{"name": "session", "value": value, "domain": "127.0.0.1", "path": "/"}]
    )
    faults: list[str] = []

    def note(message: ConsoleMessage) -> None:
        # Chromium also notes that the page itself was answered with an error, which is meant.
        if message.type == "error" and message.location["url"] != page.url:
            faults.append(message.text)

    page.on("console", note)
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("request", lambda request: faults.extend(foreign(request.url)))
    yield page
    assert faults == []


def foreign(address: str) -> list[str]:
    """The address, if it leads to another machine."""
    return [] if re.match(r"http://127\.0\.0\.1:|data:", address) else [address]


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


def press(page: Page, button: str) -> None:
    """Press the button of that name."""
    page.get_by_role("button", name=button, exact=True).click()


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


# What GET shows, by the name of its picture.
SEEN = {
    "start": "/",
    "authors": "/authors/",
    "authors narrowed": "/authors/?q=tol&country=GB&sort=-added",
    "authors long": f"/authors/?q={LONG_NAME.lower()}",
    "authors none": "/authors/?q=nobody&country=nowhere",
    "author": f"/authors/{FAMOUS}",
    "author long": f"/authors/{LONG}",
    "author bare": f"/authors/{TWIN}",
    "author new": "/authors/new",
    "author edit": f"/authors/{LONG}/edit",
    "author delete": f"/authors/{TWIN}/delete",
    "author delete refused": f"/authors/{LONG}/delete",
    "books": "/books/",
    "books narrowed": f"/books/?author_id={LONG}",
    "book": "/books/2",
    "book long": "/books/1",
    "book new": f"/books/new?author_id={FAMOUS}",
    "book edit": "/books/1/edit",
    "book delete": "/books/1/delete",
    "people": "/people/",
    "people narrowed": "/people/?q=nobody",
    "person": "/people/1",
    "person long": "/people/2",
    "person new": "/people/new",
    "schema": "/schema",
    "search": "/search?q=the+u",
    "search long": f"/search?q={LONG_NAME[:200]}",
    "search none": "/search?q=nobody",
    "account": "/account",
    "account password": "/account/password",
    "404": "/authors/999999",
}


def refuse(page: Page, site: str) -> int:
    """Nothing where something must be, and a country that is none."""
    page.goto(f"{site}/authors/new")
    page.get_by_label("Country").fill("Atlantis")
    return saving(page)


def refuse_book(page: Page, site: str) -> int:
    """An author whom nobody knows, a wrong check digit, a year that is none, all long."""
    page.goto(f"{site}/books/new")
    for label, typed in (("Title", LONG_TITLE), ("Author", LONG_NAME[:-1]), ("ISBN", "1" * 200)):
        page.get_by_label(label).fill(typed)
    page.get_by_label("Author").fill("Somebody " + "N" * 200)
    page.get_by_label("Year").fill("MCMLIV")
    return saving(page)


def choose(page: Page, site: str) -> int:
    """An author's name that two people share."""
    page.goto(f"{site}/books/new")
    page.get_by_label("Title").fill("Collected works")
    page.get_by_label("Author").fill("John Smith")
    return saving(page)


def conflict(page: Page, site: str) -> int:
    """Somebody else saves between opening and saving."""
    page.goto(f"{site}/authors/{LONG}/edit")
    elsewhere = page.context.new_page()
    elsewhere.goto(f"{site}/authors/{LONG}/edit")
    theirs = elsewhere.get_by_label("Biography")
    theirs.fill(theirs.input_value() + "theirs")
    saving(elsewhere)
    page.get_by_label("Biography").fill("mine\n" * 5)
    return saving(page)


def deleted(page: Page, site: str) -> int:
    """Somebody else deletes between opening and saving."""
    page.goto(f"{site}/authors/new")
    page.get_by_label("Name").first.fill("Nobody")
    saving(page)
    author = page.url
    page.goto(f"{author}/edit")
    elsewhere = page.context.new_page()
    elsewhere.goto(f"{author}/delete")
    sending(elsewhere, "Delete")
    return saving(page)


def expire(page: Page, site: str) -> int:
    """The session ends between opening and saving."""
    page.goto(f"{site}/authors/{TWIN}/edit")
    page.context.clear_cookies()
    return saving(page)


def saving(page: Page) -> int:
    """Save; the status of the answer."""
    return sending(page, "Save")


def sending(page: Page, button: str) -> int:
    """Press a button and wait for what comes of it; the status of the answer."""
    with page.expect_navigation() as navigation:
        press(page, button)
    response = navigation.value
    return response.status if response else 0


# What POST answers with when it does not save, and its status.
ANSWERED: dict[str, tuple[Callable[[Page, str], int], int]] = {
    "author refused": (refuse, 422),
    "book refused": (refuse_book, 422),
    "book choices": (choose, 422),
    "author conflict": (conflict, 409),
    "author gone": (deleted, 410),
    "session ended": (expire, 401),
}


def look(page: Page, name: str) -> None:
    """Hold a page to the rules for accessibility and for phones, in light and dark."""
    for scheme, width in LOOKS:
        # Buttons would still be fading from one scheme to the other.
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        page.set_viewport_size({"width": width, "height": 800})
        if SHOTS:
            file = f"{name.replace(' ', '-')}-{width}-{scheme}.png"
            page.screenshot(path=Path(SHOTS) / file, full_page=True)
        needed = page.evaluate("document.documentElement.scrollWidth")
        assert needed <= width, f"{name} is {needed} pixels wide on {width}"
        hidden = page.evaluate(CUT_OFF) if width > 1000 else 0  # A phone may scroll a table.
        assert not hidden, f"{name} hides {hidden} pixels of a table"
        results = Axe().run(page, options=AXE)
        assert results.violations_count == 0, f"{scheme}: {results.generate_report()}"


@pytest.mark.slow
@pytest.mark.parametrize("name", SEEN)
def test_a_page_suits_everybody(page: Page, shelf: str, name: str) -> None:
    assert visit(page, shelf + SEEN[name]) == (404 if name == "404" else 200)
    look(page, name)


@pytest.mark.parametrize("name", ANSWERED)
def test_an_answer_suits_everybody(page: Page, shelf: str, name: str) -> None:
    act, status = ANSWERED[name]
    assert act(page, shelf) == status
    look(page, name)


@pytest.mark.parametrize("path", ["/", "/authors/", "/books/"])
def test_an_empty_shelf_suits_everybody(page: Page, empty: str, path: str) -> None:
    visit(page, empty + path)
    look(page, f"empty {path.strip('/')}".strip())


def test_a_database_that_is_behind_says_so_to_everybody(page: Page, behind: str) -> None:
    assert visit(page, f"{behind}/books/") == 503
    expect(page.locator("main")).to_contain_text("run `flask db upgrade`")
    look(page, "503")


def fall_behind() -> None:
    """The newest revision is yet to come."""
    upgrade()
    downgrade()


@pytest.mark.slow
def test_a_pending_revision_is_told_so_that_it_suits_everybody(
    page: Page, serve: Callable[..., str]
) -> None:
    assert visit(page, serve("sqlite", fall_behind) + "/schema") == 200
    expect(page.locator("main")).to_contain_text("1 revision is pending")
    for more in page.locator("summary").all():
        more.click()
    look(page, "schema pending")


def test_the_page_of_last_resort_suits_everybody(page: Page, broken: str) -> None:
    assert visit(page, f"{broken}/authors/") == 500
    look(page, "500")


def visit(page: Page, address: str) -> int:
    """Go to an address; the status of the answer."""
    response = page.goto(address)
    return response.status if response else 0


@pytest.mark.parametrize(
    ("fault", "complaint"),
    [
        (f"<p>{LONG_NAME}</p>", "pixels wide"),
        (f'<div class="table-scroll" style="overflow: auto">{LONG_NAME}</div>', "of a table"),
        ("<input>", "label"),
        ('<p style="color: #bbb; background: #fff">pale</p>', "light: .* contrast"),
        ('<p style="color: #333; background: #000">dim</p>', "contrast"),
    ],
)
def test_a_page_that_does_not_suit_is_caught(page: Page, fault: str, complaint: str) -> None:
    page.set_content(f'<!doctype html><html lang="en"><title>x</title><main>{fault}</main>')
    with pytest.raises(AssertionError, match=f"(?s){complaint}"):
        look(page, "planted")


def test_a_foreign_address_is_caught() -> None:
    assert foreign("https://fonts.example.org/x.css")
    assert not foreign("http://127.0.0.1:8000/")
