"""Where signing in leads: to a page of this site, whatever `next` says, as a browser reads it."""

from collections.abc import Callable
from urllib.parse import quote, urlsplit

import pytest
from conftest import Place
from house import form_of, stranger
from playwright.sync_api import Page

from bookshelf.accounts import passwords, services, sessions
from bookshelf.core.db import db
from bookshelf.core.permissions import Role

pytestmark = pytest.mark.parametrize("place", ["sqlite"], indirect=True)

EVIL = "evil.example"
HOST = "http://localhost"  # what the test client asks
ANN = {"email": "ann@example.org", "password": "correct horse battery"}

# What `next` holds once its percent escapes are read.
BAD = [
    f"//{EVIL}",
    f"///{EVIL}",
    f"////{EVIL}",
    f"//{EVIL}/books/",
    f"//{EVIL}:80/",
    f"//{EVIL}\\@localhost/",
    f"//localhost@{EVIL}/",
    f"//localhost:x@{EVIL}/",
    f"//{EVIL}#@localhost/",
    f"//{EVIL}?@localhost/",
    "//localhost/books/",
    f"/\\{EVIL}",
    f"/\\/{EVIL}",
    f"\\\\{EVIL}",
    f"\\/{EVIL}",
    f"\\{EVIL}",
    f"/books/\\..\\\\{EVIL}",
    f"http://{EVIL}",
    f"https://{EVIL}/",
    f"HTTPS://{EVIL}/",
    f"https:{EVIL}",
    f"https:/{EVIL}",
    f"https:///{EVIL}",
    f"http:\\\\{EVIL}",
    f"http://localhost@{EVIL}/",
    f"http://localhost.{EVIL}/",
    f"ftp://{EVIL}/",
    f"://{EVIL}",
    f":{EVIL}",
    EVIL,
    f"@{EVIL}",
    f".{EVIL}",
    "javascript:alert(1)",
    "JaVaScRiPt:alert(1)",
    "javascript://%0aalert(1)",
    "java\tscript:alert(1)",
    "\x01javascript:alert(1)",
    "vbscript:x",
    "data:text/html,<script>alert(1)</script>",
    "blob:http://localhost/1",
    f"/\t/{EVIL}",
    f"/\n/{EVIL}",
    f"/\r\n/{EVIL}",
    f"/\r\nSet-Cookie: session=x\r\n/{EVIL}",
    f"\t//{EVIL}",
    f"\n//{EVIL}",
    f"\x00//{EVIL}",
    f"/\x00/{EVIL}",
    f"/\x7f/{EVIL}",
    f"/\x85/{EVIL}",
    f" //{EVIL}",
    f" https://{EVIL}",
    f"/ /{EVIL}",
    f"\u00a0//{EVIL}",
    f"\u3000//{EVIL}",
    f"/\u200b/{EVIL}",
    f"/\u2028/{EVIL}",
    f"\ufeff//{EVIL}",
    f"\u202e//{EVIL}",
    f"\uff0f\uff0f{EVIL}",
    f"\u2044\u2044{EVIL}",
    f"//{EVIL}\u3002",
    "//[::1]/",
    "//[",
    "http://[",
    "//" + "a" * 3000 + f"@{EVIL}/",
    "?next=" + EVIL,
    "#" + EVIL,
    "",
]
# What may lead to a path of this site that looks odd, and never to another host.
ODD = [
    f"/%2f{EVIL}",
    f"/%2F%2f{EVIL}",
    f"/%5c{EVIL}",
    f"/%5C%5C{EVIL}",
    f"/%09/{EVIL}",
    f"/%0d%0a/{EVIL}",
    f"/%00/{EVIL}",
    f"/@{EVIL}",
    f"/.//{EVIL}",
    f"/..//{EVIL}",
    f"/%2e%2e//{EVIL}",
    f"/;//{EVIL}",
    f"/?//{EVIL}",
    f"/#//{EVIL}",
    f"/:@{EVIL}",
    f"/\uff0f{EVIL}",
    f"/\u2215{EVIL}",
    f"/\uff3c{EVIL}",
    f"/http://{EVIL}",
    f"/javascript:alert('{EVIL}')",
    "/" + "a" * 3000,
]
# How a query can write them so that reading it once is not enough, or once too often.
WRITTEN = [
    f"%2f%2f{EVIL}",
    f"%2F%5C{EVIL}",
    f"/%09/{EVIL}",
    f"%252f%252f{EVIL}",
    f"/%ED%A0%80/{EVIL}",
]
GOOD = [
    "/",
    "/books/",
    "/books/?q=le+guin&sort=-year",
    "/books/?q=a%26b%3Dc",
    "/authors/?q=%C3%BCber",
    "/authors/?q=100%25",
    "/authors/?country=GB&after=eyJ%2B%2F",
    "/authors/1/edit",
    "/authors/?q=//evil.example",
    "/books/?publisher=A%20%26%20B#top",
]
SEEN_BY_A_BROWSER = "locations => locations.map(it => new URL(it, 'http://localhost/login').host)"

Lead = Callable[[str], str]


@pytest.fixture
def lead(place: Place, monkeypatch: pytest.MonkeyPatch) -> Lead:
    """Where signing in leads from a `next` as the query writes it: the Location."""
    app = place.app()
    monkeypatch.setattr(passwords, "verify", lambda typed, stored: (True, None))
    with app.app_context():
        services.create_user(email=ANN["email"], role=Role.VIEWER)
        db.session.commit()

    def lead(written: str) -> str:
        client = stranger(app)
        form = form_of(client.get(f"/login?next={written}").text)
        answer = client.post("/login", data=form | ANN)
        assert answer.status_code == 302
        assert answer.headers.getlist("Location") == [answer.location]
        return str(answer.location)

    return lead


def is_ours(location: str) -> bool:
    """Whether a location is one of this site, as Python reads it."""
    parts = urlsplit(location)
    return location.startswith("/") and not parts.scheme and not parts.netloc


@pytest.mark.parametrize("target", BAD)
def test_a_bad_target_leads_to_the_start_page(lead: Lead, target: str) -> None:
    assert lead(quote(target)) == "/"


@pytest.mark.parametrize("target", [*map(quote, ODD), *WRITTEN])
def test_an_odd_target_leads_to_a_page_of_this_site(lead: Lead, target: str) -> None:
    assert is_ours(lead(target))


@pytest.mark.parametrize("target", GOOD)
def test_a_good_target_is_where_one_gets_unchanged(lead: Lead, target: str) -> None:
    assert lead(quote(target, safe="")) == target


@pytest.mark.parametrize(("target", "expected"), [("/authors/?q=über", "/authors/?q=%C3%BCber")])
def test_what_was_written_without_escapes_gets_them(lead: Lead, target: str, expected: str) -> None:
    assert lead(quote(target)) == expected


def test_a_browser_stays_on_this_site(lead: Lead, page: Page) -> None:
    locations = [lead(target) for target in (*map(quote, BAD), *map(quote, ODD), *WRITTEN)]
    assert len(locations) > 90
    assert set(page.evaluate(SEEN_BY_A_BROWSER, locations)) == {"localhost"}


def test_a_page_that_leads_elsewhere_would_be_found(
    lead: Lead, page: Page, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control: both judges see through what would be followed."""
    monkeypatch.setattr(sessions, "destination", lambda target: target)
    for target in (f"//{EVIL}", f"https://{EVIL}/", f"//localhost@{EVIL}/"):
        assert not is_ours(lead(quote(target)))
    backslashes = [lead(quote(target)) for target in (f"//{EVIL}", f"https://{EVIL}")]
    assert page.evaluate(SEEN_BY_A_BROWSER, backslashes) == [EVIL, EVIL]
    raw = [f"/\\{EVIL}", f"/\t/{EVIL}", f"\\\\{EVIL}", f" //{EVIL}", f"https:{EVIL}"]
    assert page.evaluate(SEEN_BY_A_BROWSER, raw[:4]) == [EVIL] * 4


def test_a_stranger_gets_where_they_wanted(lead: Lead, place: Place) -> None:
    for target in ("/books/?q=a&sort=-year", "/authors/?q=%C3%BCber", "/books/?q=a%26b"):
        asked = stranger(place.app()).get(target).location
        assert asked.startswith("/login?next=")
        assert lead(asked.partition("=")[2]) == target
