"""How templates write moments."""

from datetime import datetime

from markupsafe import Markup

TIME = Markup('<time datetime="{}">{}</time>')


def moment(value: datetime) -> Markup:
    """A moment as people read it, in UTC, with the exact one in the markup."""
    return TIME.format(value.isoformat(timespec="seconds"), f"{value:%-d %B %Y, %H:%M} UTC")


def day(value: datetime) -> Markup:
    """The day of a moment, short enough for a column."""
    return TIME.format(value.isoformat(timespec="seconds"), f"{value:%-d %b %Y}")
