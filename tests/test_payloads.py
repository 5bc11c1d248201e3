"""Stored payloads: text that would be script if it were believed is text on every page."""

from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote

import pytest
from conftest import Place
from flask_migrate import upgrade
from house import add_person, cookie_of
from playwright.sync_api import ConsoleMessage, Dialog, Page
from serving import served

from bookshelf.accounts.models import User
from bookshelf.accounts.services import create_user
from bookshelf.authors.services import create_author
from bookshelf.books.services import create_book
from bookshelf.core.db import db
from bookshelf.core.permissions import Role
from bookshelf.web.headers import HEADERS

CALL = "window.hacked=1"
PAYLOADS = [
    f"<script>{CALL}</script>",
    f"</title><script>{CALL}</script>",
    f"</textarea><script>{CALL}</script>",
    f'"><script>{CALL}</script>',
    f"'><script>{CALL}</script>",
    f"--><script>{CALL}</script><!--",
    f"]]><script>{CALL}</script>",
    f"</script><script>{CALL}</script>",
    f"<ScRiPt/x>{CALL}</sCrIpT >",
    f"<<script>script>{CALL}</script>",
    f"<img src=x onerror={CALL}>",
    f"<img/src/onerror={CALL}>",
    f'" autofocus onfocus="{CALL}" x="',
    f"' autofocus onfocus='{CALL}' x='",
    f"x autofocus onfocus={CALL}",
    f"<svg onload={CALL}>",
    f"<svg><script>{CALL}</script></svg>",
    f'<svg><animate onbegin="{CALL}" attributeName=x dur=1s>',
    f"<math><mtext><script>{CALL}</script>",
    f'<iframe srcdoc="<script>parent.{CALL}</script>"></iframe>',
    f"<body onload={CALL}>",
    f'<meta http-equiv="refresh" content="0;url=javascript:{CALL}">',
    '<base href="//evil.example/"><link rel=stylesheet href=x.css>',
    f'<object data="javascript:{CALL}"></object>',
    f'<a href="javascript:{CALL}" id="skip">x</a>',
    f"javascript:{CALL}//",
    f"java\u200bscript:{CALL}",
    f"data:text/html,<script>parent.{CALL}</script>",
    "<style>*{background:url(//evil.example/x)}</style>",
    '" style="background:url(//evil.example/x)',
    f"{{{{7*7}}}}{{% raw %}}<script>{CALL}</script>",
    f"${{{CALL}}}#{{7*7}}<%= 7*7 %>",
    f"\uff1cscript\uff1e{CALL}\uff1c/script\uff1e",
    f"\u202e<script>{CALL}</script>",
    f"+ADw-script+AD4-{CALL}+ADw-/script+AD4-",
    f"<script\u2028>{CALL}</script\u2028>",
    f"&lt;script&gt;{CALL}&lt;/script&gt;",
    f"%3Cscript%3E{CALL}%3C/script%3E",
    f"\\u003cscript\\u003e{CALL}",
    f"<noscript><p title='</noscript><img src=x onerror={CALL}>'>",
]
# Alone in the rows of lists, which show many; four at a time on pages that show one record.
GROUPS = [" ".join(PAYLOADS[start::10]) for start in range(10)]
STORED = [*PAYLOADS, *GROUPS]
FIRST_GROUP = len(PAYLOADS) + 1  # the id of an author and of a book
WATCH = """window.violated = [];
document.addEventListener("securitypolicyviolation", event =>
    window.violated.push(`${event.effectiveDirective} ${event.blockedURI}`));"""
PATIENCE = 20_000  # ms until a page has to be there

pytestmark = pytest.mark.slow  # minutes, with a browser


def fill() -> None:
    """An author, a book and a person for each payload, which stands in every text that is shown."""
    upgrade()
    add_person("administrator")
    for number, payload in enumerate(STORED, start=1):
        author = create_author(name=payload, sort_name=payload, bio=f"{payload}\n\n{payload}")
        create_book(title=payload, publisher=payload, author=author.id)
        user = create_user(email=f"{number}@example.org", name=payload, role=Role.VIEWER)
        db.session.flush()
        # No form lets such an address in; what is shown is to hold all the same.
        db.session.execute(db.update(User).where(User.id == user.id).values(email=payload[:254]))
    db.session.commit()


@pytest.fixture(scope="module")
def site(create_place: Callable[[str], Place]) -> Iterator[str]:
    """The address of a shelf full of payloads."""
    place = create_place("sqlite")
    with place.app().app_context():
        fill()
    with served(place) as address:
        yield address


class Watched:
    """A page in a browser, and what happened on it that must not."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.found: list[str] = []
        page.context.set_default_timeout(PATIENCE)
        page.add_init_script(WATCH)
        page.on("console", self._note)
        page.on("pageerror", lambda error: self.found.append(f"error: {error}"))
        page.on("request", lambda request: self._note_address(request.url))
        page.on("dialog", self._refuse)

    def _note(self, message: ConsoleMessage) -> None:
        if "Content Security Policy" in message.text or "Content-Security-Policy" in message.text:
            self.found.append(f"console: {message.text}")

    def _refuse(self, dialog: Dialog) -> None:
        self.found.append("dialog")
        dialog.dismiss()

    def _note_address(self, url: str) -> None:
        if not url.startswith(("http://127.0.0.1:", "data:", "about:")):
            self.found.append(f"asked {url}")

    def look(self) -> None:
        """Note what has run on the page, and what the policy has stopped."""
        if self.page.evaluate("window.hacked"):
            self.found.append(f"executed on {self.page.url}")
        self.found += [f"violation: {each}" for each in self.page.evaluate("window.violated")]

    def visit(self, address: str) -> None:
        """Open a page, and put the focus where a payload would wait for it."""
        self.page.goto(address)
        self.page.evaluate("document.querySelectorAll('[onfocus], #skip').forEach(x => x.focus())")
        self.look()

    def send(self, button: str) -> None:
        """Press a button, and look at what comes of it."""
        with self.page.expect_navigation():
            self.page.get_by_role("button", name=button, exact=True).click()
        self.look()


@pytest.fixture
def watched(page: Page) -> Watched:
    """The page of an administrator."""
    value = cookie_of("administrator")
    cookie: Any = {"name": "session", "value": value, "domain": "127.0.0.1", "path": "/"}
    page.context.add_cookies([cookie])
    return Watched(page)


def test_there_are_payloads_enough() -> None:
    assert len(set(PAYLOADS)) >= 30
    assert max(map(len, GROUPS)) < 290, "a name has 300 characters"


LISTS = ["/", "/authors/?sort=-added", "/books/?sort=-added", "/people/?sort=-added"]


def test_no_list_runs_what_it_shows(watched: Watched, site: str) -> None:
    seen = ""
    for path in LISTS:
        watched.visit(site + path)
        following = watched.page.get_by_role("link", name="Next →")
        while following.count():
            seen += watched.page.locator("main").inner_text()
            watched.visit(str(following.evaluate("link => link.href")))
        seen += watched.page.locator("main").inner_text()
    assert watched.found == []
    shown = [payload for payload in PAYLOADS if " ".join(payload.split()) in " ".join(seen.split())]
    assert shown == PAYLOADS


def test_no_search_runs_what_is_looked_for(watched: Watched, site: str) -> None:
    for payload in GROUPS:
        typed = quote(payload)
        for path in ("authors/?q={0}&country={0}", "books/?q={0}&author={0}", "people/?sort={0}"):
            watched.visit(f"{site}/{path.format(typed)}")
    for word in ("hacked", "script", "img", "onerror"):  # of which each is marked
        for path in ("search?q={0}", "authors/?q={0}", "books/?q={0}"):
            watched.visit(f"{site}/{path.format(word)}")
        assert watched.page.locator("mark").count()
    assert watched.found == []


def test_no_picker_runs_what_it_offers(watched: Watched, site: str) -> None:
    watched.visit(f"{site}/books/new")
    for word in ("hacked", "script", "img", "onerror", "javascript"):
        watched.page.locator("#author").fill(word)
        watched.page.get_by_role("option").nth(1).wait_for()
        watched.page.keyboard.press("ArrowDown")
        watched.look()
    assert watched.found == []


PAGES = ["authors/{}", "authors/{}/edit", "authors/{}/delete", "books/{}", "books/{}/edit"]
PAGES += ["books/{}/delete", "books/?author_id={}", "books/new?author_id={}&publisher={payload}"]


def test_no_page_runs_the_record_that_it_shows(watched: Watched, site: str) -> None:
    for number, payload in enumerate(GROUPS, start=FIRST_GROUP):
        for path in PAGES:
            watched.visit(f"{site}/{path.format(number, payload=quote(payload))}")
        watched.visit(f"{site}/people/{number + 1}")
    assert watched.found == []


def test_no_page_that_is_not_there_runs_its_address(watched: Watched, site: str) -> None:
    for payload in GROUPS:
        watched.visit(f"{site}/{quote(payload, safe='')}")
    watched.page.context.clear_cookies()
    for payload in GROUPS[::2]:
        watched.visit(f"{site}/login?next={quote(payload)}")
        watched.visit(f"{site}/invitation/{quote(payload, safe='')}")
    assert watched.found == []


def test_no_answer_to_a_form_runs_what_was_typed(watched: Watched, site: str) -> None:
    page = watched.page
    for payload in GROUPS[::2]:
        watched.visit(f"{site}/authors/new")
        page.locator("#name").fill(payload)
        page.locator("#country").fill(payload)  # which is none, so the form comes back
        page.locator("#bio").fill(payload)
        watched.send("Save")
        page.locator("#country").fill("")
        watched.send("Save")
        assert page.get_by_role("status").inner_text().endswith("was added.")
        author = page.url
        watched.visit(f"{author}/delete")
        watched.send("Delete")
        assert page.get_by_role("status").inner_text().endswith("was deleted.")
        watched.visit(f"{site}/books/new")
        page.locator("#title").fill(payload)
        page.locator("#author").fill(payload)  # which stands for two: a choice
        page.locator("#isbn").fill(payload)
        watched.send("Save")
    assert watched.found == []


def test_no_message_about_people_runs_their_names(watched: Watched, site: str) -> None:
    for number in range(FIRST_GROUP + 1, FIRST_GROUP + len(GROUPS), 2):
        watched.visit(f"{site}/people/{number}")
        watched.send("Disable")
        watched.send("Enable")
    assert watched.found == []


def test_no_conflict_runs_either_version(watched: Watched, site: str) -> None:
    page = watched.page
    for number in range(FIRST_GROUP, FIRST_GROUP + len(GROUPS), 3):
        for path, field in ((f"authors/{number}", "#sort_name"), (f"books/{number}", "#publisher")):
            watched.visit(f"{site}/{path}/edit")
            mine = page.locator(field).input_value()
            with page.context.expect_page() as opened:
                page.evaluate("open(location.href)")
            other = opened.value
            other.locator(field).fill(f"theirs {mine}"[:250])
            with other.expect_navigation():
                other.get_by_role("button", name="Save", exact=True).click()
            other.close()
            page.locator(field).fill(f"{mine} mine")
            watched.send("Save")
            assert "Somebody else saved this record" in page.locator("main").inner_text()
    assert watched.found == []


# The controls

HEAD, HTML = "<!doctype html><title>x</title>", "text/html; charset=utf-8"
BELIEVED = [PAYLOADS[0], *(each for each in PAYLOADS if each.startswith(("<img src", "<svg on")))]


@pytest.mark.parametrize("payload", BELIEVED)
def test_a_payload_that_is_believed_would_be_found(watched: Watched, payload: str) -> None:
    watched.page.route("**/*", lambda route: route.fulfill(body=HEAD + payload, content_type=HTML))
    watched.visit("http://127.0.0.1:1/planted")
    assert "executed on http://127.0.0.1:1/planted" in watched.found


@pytest.mark.parametrize(
    "payload", [PAYLOADS[0], "<img src=x onerror=1>", "<p style='color: red'>"]
)
def test_what_the_policy_stops_would_be_found(watched: Watched, payload: str) -> None:
    watched.page.route(
        "**/*",
        lambda route: route.fulfill(body=HEAD + payload, headers=HEADERS | {"Content-Type": HTML}),
    )
    watched.visit("http://127.0.0.1:1/planted")
    kinds = {found.partition(":")[0] for found in watched.found}
    assert kinds == {"console", "violation"}
