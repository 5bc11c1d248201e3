"""How names and moments are written for people, and what of a text they looked for."""

from datetime import date, datetime
from functools import lru_cache

from markupsafe import Markup, escape

from bookshelf.core.matching import spans

LONGEST_MENTION = 80


def shortened(name: str) -> str:
    """A name as a message mentions it; a cookie carries the message, and holds 4 KB."""
    return name if len(name) <= LONGEST_MENTION else f"{name[: LONGEST_MENTION - 1]}…"


def moment(value: datetime) -> Markup:
    """A moment as people read it, in UTC, with the exact one in the markup."""
    return _time(value, f"{value:%-d %B %Y, %H:%M} UTC")


def day(value: datetime) -> Markup:
    """The day of a moment, short enough for a column."""
    return _time(value, _day_in_words(value.date()))


@lru_cache(maxsize=1000)
def _day_in_words(value: date) -> str:
    return f"{value:%-d %b %Y}"


def _time(value: datetime, words: str) -> Markup:
    # Digits and names of months need no escaping, a tenth of the time of a page of 50 rows.
    exact = value.isoformat(timespec="seconds")
    return Markup(f'<time datetime="{exact}">{words}</time>')  # noqa: S704


def marked(text: str, typed: str) -> Markup:
    """A text with what was typed to find it marked, however it is accented."""
    html, end = "", 0
    for start, stop in spans(text, typed) if typed else ():
        html += f"{escape(text[end:start])}<mark>{escape(text[start:stop])}</mark>"
        end = stop
    return Markup(f"{html}{escape(text[end:])}")  # noqa: S704  # every part is escaped
