"""A browser before a filled shelf, and what every page that it shows is held to."""

import contextlib
import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from conftest import Place
from flask_migrate import upgrade
from house import add_person, cookie_of
from playwright.sync_api import ConsoleMessage, Page
from serving import served

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


@pytest.fixture(name="serve", scope="module")
def start_serving(create_place: Callable[[str], Place]) -> Iterator[Callable[..., str]]:
    """Serve a new database of a kind after a step, which migrates it."""
    with contextlib.ExitStack() as stack:

        def start(kind: str, step: Callable[[], None] = upgrade) -> str:
            place = create_place(kind)
            with place.app().app_context():
                step()
                add_person("administrator")
            return stack.enter_context(served(place))

        yield start


@pytest.fixture(name="shelf", scope="module")
def filled_shelf(serve: Callable[..., str]) -> str:
    """The address of a shelf with the seed in it, and with what is long or double."""
    return serve("sqlite", fill)


@pytest.fixture(name="page")
def watched_page(page: Page) -> Iterator[Page]:
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
    assert faults == [], faults


def foreign(address: str) -> list[str]:
    """The address, if it leads to another machine."""
    return [] if re.match(r"http://127\.0\.0\.1:|data:", address) else [address]


def press(page: Page, button: str) -> None:
    """Press the button of that name."""
    page.get_by_role("button", name=button, exact=True).click()


def visit(page: Page, address: str) -> int:
    """Go to an address; the status of the answer."""
    response = page.goto(address)
    return response.status if response else 0


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
