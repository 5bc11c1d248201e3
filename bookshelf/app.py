"""The application, put together from its features; start reading here."""

from collections.abc import Mapping
from pathlib import Path

from flask import Flask
from flask_bootstrap import Bootstrap5

from bookshelf.api.views import api
from bookshelf.authors.views import authors
from bookshelf.books.views import books
from bookshelf.core.db import db, migrate, prepare
from bookshelf.dashboard.views import dashboard
from bookshelf.schema import guard
from bookshelf.schema.cli import schema
from bookshelf.seed.cli import seed
from bookshelf.web import errors, security
from bookshelf.web.rendering import day, moment
from bookshelf.web.urls import IdConverter

ROOT = Path(__file__).resolve().parent.parent

BLUEPRINTS = (dashboard, authors, books, api, schema, seed)

LARGEST_REQUEST = 1024 * 1024  # bytes; the longest biography is a tenth of it


def create_app(settings: Mapping[str, object]) -> Flask:
    """The application for these settings, which `Config` makes of the environment."""
    app = Flask("bookshelf", template_folder=ROOT / "templates", static_folder=ROOT / "static")
    app.config.from_mapping(MAX_CONTENT_LENGTH=LARGEST_REQUEST, WTF_CSRF_TIME_LIMIT=None)
    app.config.from_mapping(settings)
    app.url_map.converters["id"] = IdConverter
    app.json.sort_keys = False  # type: ignore[attr-defined]
    _open_database(app)
    _draw_pages(app)
    security.init_app(app)
    errors.init_app(app)
    guard.init_app(app)
    for blueprint in BLUEPRINTS:
        app.register_blueprint(blueprint)
    return app


def _open_database(app: Flask) -> None:
    db.init_app(app)
    migrate.init_app(app, directory=ROOT / "migrations")
    with app.app_context():
        prepare(db.engine)


def _draw_pages(app: Flask) -> None:
    Bootstrap5(app)
    app.jinja_env.add_extension("jinja2.ext.do")
    app.jinja_env.filters.update(day=day, moment=moment)
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
