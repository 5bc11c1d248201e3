"""Whether the database answers soon, and has every revision that the code needs."""

from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context

from alembic.util import CommandError
from sqlalchemy.exc import SQLAlchemyError

from bookshelf.schema import revisions
from bookshelf.schema.doctor import serving_engine

PATIENCE_S = 2.5
CONNECTING_S = 2

# A pooler whose server is away takes a connection and then keeps a statement waiting for minutes.
# One thread asks, and so one connection waits at the most, however often somebody asks us.
_asking = ThreadPoolExecutor(max_workers=1, thread_name_prefix="readyz")


def is_ready() -> bool:
    """Whether the database answers within three seconds, and stands where the code needs it."""
    answer = _asking.submit(copy_context().run, _has_every_revision)
    try:
        return answer.result(PATIENCE_S)
    except (TimeoutError, SQLAlchemyError, CommandError):
        answer.cancel()
        return False


def _has_every_revision() -> bool:
    with serving_engine(CONNECTING_S).connect() as connection:
        return not revisions.is_behind(connection)
