"""What is offered while somebody types: a part of a page, which static/js/combobox.js asks for."""

from collections.abc import Sequence
from typing import Any, Final

from flask import Response, make_response, redirect, render_template, request, url_for

from bookshelf.web.forms import Candidate

MOST: Final = 8  # options of a picker


def offer(options: Sequence[Candidate], q: str, filter_name: str) -> Response:
    """The options for `q`; whoever asks for no part of a page is led to the list of what has it."""
    if "X-Partial" in request.headers:
        response = make_response(render_template("options.html", options=options, q=q))
    else:
        parameters: dict[str, Any] = {filter_name: q}
        response = make_response(redirect(url_for(".index", **parameters)))
    response.vary.add("X-Partial")
    return response
