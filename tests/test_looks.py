"""How every page looks: by the rules for accessibility, on phones, in light and dark."""

from collections.abc import Callable

import pytest
from browsing import (
    FAMOUS,
    LONG,
    LONG_NAME,
    LONG_TITLE,
    TWIN,
    filled_shelf,  # noqa: F401  # the fixture `shelf`
    foreign,
    look,
    press,
    start_serving,  # noqa: F401  # the fixture `serve`
    visit,
    watched_page,  # noqa: F401  # the fixture `page`
)
from flask_migrate import downgrade, upgrade
from playwright.sync_api import Page, expect
from sqlalchemy import text

from bookshelf.authors.services import create_author
from bookshelf.core.db import db


def spoil() -> None:
    """An author whom no version of Bookshelf has written, and none can read."""
    upgrade()
    create_author(name="Nobody")
    db.session.execute(text("UPDATE authors SET created_at = 'never'"))
    db.session.commit()


@pytest.fixture(scope="module")
def empty(serve: Callable[..., str]) -> str:
    return serve("sqlite")


@pytest.fixture(scope="module")
def broken(serve: Callable[..., str]) -> str:
    return serve("sqlite", spoil)


@pytest.fixture(scope="module")
def behind(serve: Callable[..., str]) -> str:
    return serve("sqlite", lambda: None)


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
