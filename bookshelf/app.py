"""The application, put together from its features; start reading here."""

from collections.abc import Mapping
from pathlib import Path

from flask import Flask
from flask_bootstrap import Bootstrap5
from jinja2 import FileSystemLoader

from bookshelf.accounts import sessions, tries
from bookshelf.accounts.cli import users
from bookshelf.accounts.views import accounts, people
from bookshelf.api.views import api
from bookshelf.authors import countries
from bookshelf.authors.views import authors
from bookshelf.books import languages
from bookshelf.books.views import books
from bookshelf.core.connections import prepare
from bookshelf.core.db import db, migrate
from bookshelf.dashboard.views import dashboard
from bookshelf.exchange.views import exchange
from bookshelf.health.views import health
from bookshelf.schema import guard, notice
from bookshelf.schema.cli import schema_cli
from bookshelf.schema.views import schema
from bookshelf.search.views import search
from bookshelf.seed.cli import seed
from bookshelf.web import assets, compression, errors, headers, hosts, log, security, stateless
from bookshelf.web.rendering import day, marked, moment
from bookshelf.web.urls import IdConverter

ROOT = Path(__file__).resolve().parent.parent

BLUEPRINTS = (dashboard, authors, books, search, exchange, accounts, people, api, health, schema)
COMMANDS = (schema_cli, seed, users)

STATIC = ROOT / "static"
TEMPLATES = ROOT / "templates"

# In bytes; the longest biography is 240 KB as a browser sends it. The second and the third hold
# for forms with files, which are read part by part: the size of a field, and how many there are.
LIMITS = {
    "MAX_CONTENT_LENGTH": 1024 * 1024,
    "MAX_FORM_MEMORY_SIZE": 512 * 1024,
    "MAX_FORM_PARTS": 100,
}


def create_app(settings: Mapping[str, object]) -> Flask:
    """The application for these settings, which `Config` makes of the environment."""
    app = Flask(
        "bookshelf",
        template_folder=TEMPLATES,
        static_folder=STATIC,
        static_url_path=assets.url_path(STATIC),
    )
    app.config.from_mapping(LIMITS, WTF_CSRF_TIME_LIMIT=None)
    app.config.from_mapping(settings)
    app.url_map.converters["id"] = IdConverter
    _receive_requests(app)
    _open_database(app)
    _draw_pages(app)
    _guard_the_door(app)
    for blueprint in BLUEPRINTS + COMMANDS:
        app.register_blueprint(blueprint)
    return app


def warm_up(app: Flask) -> None:
    """Make what pages make once, before people wait for it.

    Each thread that finds it missing makes its own, and they hinder each other: with four of them
    the first list took a second and a half.
    """
    countries.lookup()
    languages.lookup()
    for name in FileSystemLoader(TEMPLATES).list_templates():
        app.jinja_env.get_template(name)


def _receive_requests(app: Flask) -> None:
    log.init_app(app)
    hosts.init_app(app)
    stateless.init_app(app)
    security.note_method(app)
    errors.init_app(app)


def _open_database(app: Flask) -> None:
    db.init_app(app)
    migrate.init_app(app, directory=ROOT / "migrations")
    with app.app_context():
        prepare(db.engine)


def _draw_pages(app: Flask) -> None:
    Bootstrap5(app)
    app.jinja_env.add_extension("jinja2.ext.do")
    app.jinja_env.filters.update(day=day, moment=moment, marked=marked)
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True


def _guard_the_door(app: Flask) -> None:
    guard.init_app(app)
    sessions.init_app(app)
    tries.init_app(app)
    security.init_app(app, sessions.DOOR)
    notice.init_app(app)
    headers.init_app(app)
    compression.init_app(app)
    app.json.sort_keys = False  # type: ignore[attr-defined]  # Flask-Security has its own
