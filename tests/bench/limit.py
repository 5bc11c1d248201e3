"""The limit: a bare Flask application that knows the person, asks the best statements for a line,
and writes their rows into the layout, with nothing between.

gunicorn serves it as `bench.limit:app`; the file that BENCH_LIMIT names says what it answers:
{"cookie": ..., "head": ..., "tail": ..., "lines": {key: {"template": ..., "statements": [...]}}}.
"""

import json
import os
import threading
from pathlib import Path
from typing import Any

from flask import Flask, redirect, request, session
from flask.typing import ResponseReturnValue
from jinja2 import Environment

from bench.asking import ID, TYPED, Asker
from bookshelf.web import compression

AUTHOR = '<td><a href="/authors/{{ row[0] }}">{{ row[2] }}</a></td>'
CELLS = {
    "books": ("books", AUTHOR + "".join(f"<td>{{{{ row[{n}] }}}}</td>" for n in range(3, 8))),
    "authors": ("authors", "<td>{{ row[2] }}</td><td>{{ row[3] }}</td>"),
    "of_author": ("books", "<td>{{ row[2] }}</td><td>{{ row[3] }}</td>"),
    "form": ("", ""),
}
ROW = '<tr><th scope="row"><a href="/%s/{{ row[0] }}">{{ row[1] }}</a></th>%s</tr>'
USER = "SELECT * FROM users WHERE fs_uniquifier = %s"

known = json.loads(Path(os.environ["BENCH_LIMIT"]).read_text(encoding="utf-8"))
OPTION = '<li data-id="{{ row[0] }}">{{ row[1] }}, {{ row[2] }}</li>'
pages = {
    name: Environment(autoescape=True).from_string(
        "{{ head|safe }}<table>{% for row in rows %}" + ROW % cells + "{% endfor %}</table>"
        "{{ tail|safe }}"
    )
    for name, cells in CELLS.items()
}
pages["options"] = Environment(autoescape=True).from_string(
    "{% for row in rows %}" + OPTION + "{% endfor %}"
)
here = threading.local()

app = Flask("limit")
app.secret_key = os.environ["SECRET_KEY"]
app.config["SESSION_COOKIE_NAME"] = known["cookie"]
compression.init_app(app)


@app.get("/livez")
def livez() -> str:
    """Say that it is there."""
    return "ok"


@app.get("/<key>/<int:number>")
def page(key: str, number: int) -> ResponseReturnValue:
    """The page of a line."""
    line, asker = known["lines"][key], _asker()
    asker.ask(USER, [session["_user_id"]])
    rows: list[tuple[Any, ...]] = []
    for sql, values in line["statements"]:
        rows = asker.ask(sql, values)
    return pages[line["template"]].render(rows=rows[:50], head=known["head"], tail=known["tail"])


@app.post("/<key>/<int:number>")
def save(key: str, number: int) -> ResponseReturnValue:
    """Write what was typed as a line does, for the record of that number, in one transaction."""
    asker = _asker()
    given = {ID: number} | {TYPED + name: typed for name, typed in request.form.items()}
    asker.ask("BEGIN IMMEDIATE" if asker.is_sqlite else "BEGIN")
    asker.ask(USER, [session["_user_id"]])
    for sql, values in known["lines"][key]["statements"]:
        asker.ask(sql, [given.get(value, value) for value in values])
    asker.ask("COMMIT")
    return redirect("/")


def _asker() -> Asker:
    """The connection of this thread."""
    if not hasattr(here, "asker"):
        here.asker = Asker(os.environ["DATABASE_URL"])
    asker: Asker = here.asker
    return asker
