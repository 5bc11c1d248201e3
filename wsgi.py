"""The application for gunicorn and for `flask`, which both look here unaided."""

import sys

from bookshelf.app import create_app
from config import Config, ConfigError, environment

APP_LOAD_ERROR = 4  # gunicorn stops at this exit code; at any other it starts the worker again

try:
    app = create_app(Config.from_env(environment()).settings())
except ConfigError as error:
    print(f"Bookshelf cannot start: {error}", file=sys.stderr)
    sys.exit(APP_LOAD_ERROR)
