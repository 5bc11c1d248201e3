"""What nobody types, somebody who sends it, and an application to send it to."""

import hashlib
from collections import Counter
from typing import Any
from urllib.parse import quote

import pytest
from conftest import Place
from flask import Flask
from house import stranger
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from limits import RateLimitItemPerSecond
from werkzeug.test import TestResponse

from bookshelf.accounts import services, tries
from bookshelf.authors.services import create_author
from bookshelf.books.services import create_book
from bookshelf.core.db import db
from bookshelf.core.permissions import Role

KEY = "a welcome key"
PATIENT = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large]
BRIEF = settings(derandomize=True, max_examples=12, suppress_health_check=PATIENT)
LONG = settings(BRIEF, max_examples=24)

# Percent-encoded, as they travel in a form and in a query.
BAD_BYTES = [
    "%FF%FE",
    "%C3%28",
    "%C0%AF",
    "%E0%80%80",
    "%F0%82%82%AC",
    "%F8%88%80%80%80",
    "%00",
    "a%00b",
    "%ED%A0%80",
    "%ED%B0%80%ED%A0%80",
    "%EF%BF%BE",
    "%F4%90%80%80",
    "%0A%0D%0A",
    "%1B%5B31m",
    "%7F%C2%85%E2%80%A8",
    "%E2%80%AE%EF%BB%BF",
    "%",
    "%G1",
    "%u0041",
    "%25%30%30",
]
ODD = [
    str(2**31),
    str(2**63),
    str(-(2**63) - 1),
    "9" * 400,
    "1e999",
    "NaN",
    "-0",
    "٣",
    "²",
    "0x10",
    "1_000",
    "[" * 900 + "]" * 900,
    '{"a":' * 300,
    "{{7*7}}${7*7}<%= 7 %>",
    "' OR 1=1 --",
    "%' ESCAPE '",
    "\\_%" * 50,
    "../" * 40 + "etc/passwd",
    "ﷺ" * 300,
    "a\u0300" * 400,
    "\U0001f469\u200d\U0001f680",
    "İıſK\u00df\ufb03",
    "eyJrZXkiOltdfQ",
    "WzEsMl0=",
    "new: ",
    "new: \u2800",
    "a@" + "b." * 120 + "c",
    '"\x7f"@[127.0.0.1]',
    "\u202e@example.org",
    "ann@xn--\u00df.example",
    "$argon2id$v=19$m=19456,t=2,p=1$",
]
NASTY = [*BAD_BYTES, *map(quote, ODD)]
VALUES = st.sampled_from(NASTY) | st.text(max_size=60).map(
    lambda typed: quote(typed.encode(errors="surrogatepass"))
)
URL_ENCODED = "application/x-www-form-urlencoded"


@pytest.fixture(name="served")
def served_shelf(place: Place, monkeypatch: pytest.MonkeyPatch) -> Flask:
    """An application as served, over an author, a book, people and an invitation."""
    monkeypatch.setattr(tries, "FROM_ONE_ADDRESS", RateLimitItemPerSecond(1_000_000, 300))
    app = place.app(TESTING=False, WELCOME_KEY=hashlib.sha256(KEY.encode()).hexdigest())
    with app.app_context():
        create_book(title="A book", author=create_author(name="Ann Lee").id)
        for name in ("ann", "bo"):
            services.create_user(email=f"{name}@example.org", role=Role.EDITOR)
        db.session.commit()
        db.session.remove()
    return app


class Attacker:
    """Somebody who sends what no page of ours does; notes each answer that is a fault."""

    def __init__(self, app: Flask, role: str | None) -> None:
        self.app = app
        self.client = stranger(app).sign_in(role)
        self.faults: list[str] = []
        self.statuses: Counter[int] = Counter()

    def send(self, path: str, method: str = "GET", **more: Any) -> TestResponse:
        """Send a request, and look at the answer."""
        answer = self.client.open(path, method=method, **more)
        self.statuses[answer.status_code] += 1
        if not 200 <= answer.status_code < 500 or "Traceback" in answer.text:
            self.faults.append(f"{answer.status_code} {method} {path[:300]} {str(more)[:300]}")
        return answer
