"""A finding of `flask doctor`: a line for people, an object for programs."""

from typing import NamedTuple


class Finding(NamedTuple):
    """What was looked at, what was found, and in words what is wrong with it and what to do."""

    check: str
    said: str = ""
    trouble: str = ""

    @property
    def line(self) -> str:
        """The finding for people."""
        trouble = f"TROUBLE: {self.trouble}" if self.trouble else ""
        return f"{self.check:<14} {', '.join(filter(None, (self.said, trouble)))}"

    def as_json(self) -> dict[str, str | None]:
        """Return {"check": "revision", "said": "database 0004, code 0005", "trouble": "..."}.

        `trouble` is null where all is well. A check may find several things, or nothing at all.
        """
        return {"check": self.check, "said": self.said, "trouble": self.trouble or None}
