"""What a worker makes before it serves, so that nobody waits for it at their first page."""

import runpy
from collections.abc import Callable
from types import SimpleNamespace

import pytest
from conftest import ROOT
from flask import Flask
from noting import made_anew

from bookshelf.authors import countries
from bookshelf.books import languages

PAGES = ["/", "/authors/", "/authors/new", "/books/", "/books/new", "/search", "/account"]


def test_a_worker_has_made_its_pages_before_it_serves(
    make_app: Callable[..., Flask], monkeypatch: pytest.MonkeyPatch
) -> None:
    app = make_app()
    with made_anew(languages.lookup, countries.lookup):
        conf = runpy.run_path(str(ROOT / "gunicorn.conf.py"))
        served = SimpleNamespace(app_uri=conf["wsgi_app"])
        conf["post_worker_init"](SimpleNamespace(app=served, wsgi=app))
        assert languages.lookup.cache_info().currsize == countries.lookup.cache_info().currsize == 1
    monkeypatch.setattr(app.jinja_env, "compile", None)
    client = app.test_client()
    assert [client.get(page).status_code for page in PAGES] == [200] * len(PAGES)
