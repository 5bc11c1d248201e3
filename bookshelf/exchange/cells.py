"""What stands in the cells of a file, written by the database itself."""

from typing import Any, Final

from sqlalchemy import Case, String, case, func, literal
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import InstrumentedAttribute
from sqlalchemy.sql.functions import FunctionElement

# A spreadsheet runs a cell that begins so (OWASP, CSV Injection); no database stores a NUL.
RUN: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
QUOTE: Final = "'"


def defused(text: InstrumentedAttribute[Any]) -> Case[Any]:
    """The text, with a quote before it where a spreadsheet would run it: '=1+1.

    So has a text that is like it but for the quotes before it: whoever takes one quote away from
    all that a spreadsheet would run without its quotes gets back what was stored.
    """
    begins = func.substr(func.ltrim(text, QUOTE), 1, 1)
    return case((begins.in_(RUN), literal(QUOTE) + text), else_=text)


class moment(FunctionElement[str]):  # noqa: N801, as it is written like a function
    """A moment in UTC as in RFC 3339, to the second: 2026-11-25T21:30:00Z."""

    type = String()
    inherit_cache = True


@compiles(moment, "postgresql")
def _on_postgresql(element: Any, compiler: Any, **options: Any) -> str:
    text = """'YYYY-MM-DD"T"HH24:MI:SS"Z"'"""
    return f"to_char(timezone('UTC', {compiler.process(element.clauses, **options)}), {text})"


@compiles(moment, "sqlite")
def _on_sqlite(element: Any, compiler: Any, **options: Any) -> str:
    # The driver of PostgreSQL reads % itself, that of SQLite does not.
    return f"strftime('%Y-%m-%dT%H:%M:%SZ', {compiler.process(element.clauses, **options)})"
