"""What nobody types, in every query and every path: odd text and bad bytes are never a fault."""

import itertools
import re
from urllib.parse import quote

import pytest
from flask import Flask, request
from hostile import (
    BRIEF,
    LONG,
    NASTY,
    URL_ENCODED,
    VALUES,
    Attacker,
    served_shelf,  # noqa: F401  # the fixture `served`
)
from hypothesis import given, settings
from hypothesis import strategies as st

from bookshelf.web.security import public

pytestmark = [
    pytest.mark.slow,
    pytest.mark.parametrize("place", ["sqlite", "postgresql"], indirect=True),
]

QUERY_KEYS = ["q", "sort", "after", "before", "country", "language", "author", "author_id", "next"]
QUERY_KEYS += [
    "size",
    "count",
    "from",
    "to",
    "isbn",
    "publisher",
    "page",
    "limit",
    "per_page",
    "",
    "%00",
    "%FF%FE",
    "a[b][c]",
]


def pages(app: Flask) -> list[str]:
    """An address of every rule that can be looked at."""
    rules = [rule for rule in app.url_map.iter_rules() if "GET" in (rule.methods or ())]
    return [re.sub(r"<(\w+:)?\w+>", "1", rule.rule) for rule in rules if "static" not in rule.rule]


def ask_all(attacker: Attacker, stride: int) -> None:
    """Put nasty values into every query, into all its keys at once."""
    for page in [*pages(attacker.app), "/nowhere"]:
        for start in range(0, len(NASTY), stride):
            values = itertools.islice(itertools.cycle(NASTY), start, None)
            query = "&".join(
                f"{key}={value}" for key, value in zip(QUERY_KEYS, values, strict=False)
            )
            attacker.send(f"{page}?{query}")


@pytest.mark.parametrize("role", ["administrator", None])
def test_nothing_in_a_query_is_a_fault(served: Flask, role: str | None) -> None:
    attacker = Attacker(served, role)
    ask_all(attacker, stride=7)
    assert attacker.faults == []
    assert set(attacker.statuses) <= {200, 302, 400, 401, 404}
    assert attacker.statuses[200] > 15


def test_nothing_in_any_query_is_a_fault(served: Flask) -> None:
    attacker = Attacker(served, "administrator")
    ask_all(attacker, stride=1)
    alone = itertools.product(enumerate(pages(served)), enumerate(QUERY_KEYS))
    for (n, page), (m, key) in alone:
        for value in NASTY[(n + m) % 3 :: 3]:  # each page meets every value, and so does each key
            attacker.send(f"{page}?{key}={value}")
    assert attacker.faults == []


def test_nothing_in_a_path_is_a_fault(served: Flask) -> None:
    attacker = Attacker(served, "administrator")
    rules = {rule.rule for rule in served.url_map.iter_rules() if "<" in rule.rule}
    for rule, value in itertools.product(sorted(rules), NASTY):
        attacker.send(re.sub(r"<(\w+:)?\w+>", value, rule))
    assert attacker.faults == []


def test_no_query_of_extreme_size_is_a_fault(served: Flask) -> None:
    attacker = Attacker(served, "administrator")
    for page in pages(served):
        attacker.send(f"{page}?q={'x' * 100_000}")
        attacker.send(f"{page}?q={quote('ä ' * 2_000)}")
        attacker.send(f"{page}?" + "&".join(f"q={n}" for n in range(2_000)))
    assert attacker.faults == []


def ask_at_random(app: Flask, how: settings) -> None:
    """Ask what hypothesis thinks of."""
    attacker = Attacker(app, "administrator")

    @how
    @given(
        st.sampled_from(pages(app)),
        st.lists(st.tuples(st.sampled_from(QUERY_KEYS), VALUES), max_size=6),
    )
    def send(page: str, query: list[tuple[str, str]]) -> None:
        attacker.send(f"{page}?" + "&".join(f"{key}={value}" for key, value in query))
        assert attacker.faults == []

    send()


def test_no_query_is_a_fault_by_chance(served: Flask) -> None:
    ask_at_random(served, settings(BRIEF, max_examples=100))


def test_no_query_is_a_fault_by_any_chance(served: Flask) -> None:
    ask_at_random(served, settings(LONG, max_examples=80))


# The control


def test_a_view_that_stumbles_over_a_nul_would_be_found(served: Flask) -> None:
    """Planted: it is asked what all are asked, and the fault is noted."""

    def planted() -> str:
        if "\0" in request.values.get("q", ""):
            raise ValueError("a NUL")
        return ""

    served.add_url_rule("/planted", "planted", public(planted), methods=["GET", "POST"])
    attacker = Attacker(served, None)
    for value in NASTY:
        attacker.send(f"/planted?q={value}")
        attacker.send("/planted", "POST", data=f"q={value}", content_type=URL_ENCODED)
    assert attacker.statuses[500] == len(attacker.faults) == 4
    assert attacker.faults[0].startswith("500 GET /planted?q=%00")
