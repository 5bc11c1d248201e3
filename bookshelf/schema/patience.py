"""What a migration does about tables in use: it gives up soon, comes back, and says who is there.

While it waits for a table, everybody else who asks for that table queues behind it.
"""

import logging
import random
import time
from collections.abc import Callable, Sequence

from alembic.util import CommandError
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from bookshelf.schema import revisions

NOT_TO_BE_HAD = ("55P03", "40P01")  # SQLSTATE: lock not available; deadlock detected
LONGEST_PAUSE_S = 5.0
# Who has held a table of this database for as long as we waited, the longest first; not those who
# wait themselves.
IN_THE_WAY = text(
    "SELECT 'pid ' || pid || ' (' || coalesce(state, backend_type) || ', since '"
    " || to_char(xact_start AT TIME ZONE 'UTC', 'HH24:MI:SS') || ' UTC: '"
    " || left(regexp_replace(query, '\\s+', ' ', 'g'), 80) || ')'"
    " FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND datname = current_database()"
    " AND wait_event_type IS DISTINCT FROM 'Lock'"
    " AND xact_start < now() - make_interval(secs => :waited)"
    " AND pid IN (SELECT pid FROM pg_locks JOIN pg_class ON pg_class.oid = relation"
    " WHERE granted AND relkind IN ('r', 'p') AND relnamespace <> 'pg_catalog'::regnamespace)"
    " ORDER BY xact_start LIMIT 3"
)

log = logging.getLogger(__name__)


def insist(
    run: Callable[[], None],
    connection: Connection,
    *,
    attempts: int,
    lock_timeout_ms: int,
    is_relative: bool,
) -> None:
    """Run migrations, and run them again while a table is not to be had, `attempts` times at most.

    Each attempt goes on from the revision that the one before has reached. A relative move, such as
    "-1", that has applied something is not tried again, as it would go too far. Raises CommandError
    with those who are in the way; any other DBAPIError passes.
    """
    begun_at = revisions.heads_of_database(connection)
    connection.rollback()
    for attempt in range(1, attempts + 1):
        try:
            run()
        except DBAPIError as error:
            if getattr(error.orig, "pgcode", None) not in NOT_TO_BE_HAD:
                raise
            connection.rollback()
            who = _in_the_way(connection, lock_timeout_ms / 1000)
            moved = revisions.heads_of_database(connection) != begun_at
            connection.rollback()
            if attempt == attempts or (is_relative and moved):
                raise CommandError(_gave_up(error, attempt, who, is_relative and moved)) from error
            _pause(attempt, attempts, who)
        else:
            return


def _in_the_way(connection: Connection, waited_s: float) -> Sequence[str]:
    return connection.scalars(IN_THE_WAY, {"waited": waited_s * 0.9}).all()


def _pause(attempt: int, attempts: int, who: Sequence[str]) -> None:
    """Longer each time, and never just as long as another one that waits."""
    pause = min(0.25 * 2**attempt, LONGEST_PAUSE_S) * random.uniform(0.5, 1)  # noqa: S311
    said = f"a table is in use{_by(who)}; trying again in {pause:.1f} s"
    log.info("%s (attempt %s of %s)", said, attempt + 1, attempts)
    time.sleep(pause)


def _gave_up(error: DBAPIError, attempt: int, who: Sequence[str], too_far: bool) -> str:
    said = str(error.orig).strip().splitlines()[0]
    tries = "1 attempt" if attempt == 1 else f"{attempt} attempts"
    rest = "; a part of the way is done: say how far to go by the revision" if too_far else ""
    return f"{said}: a table is in use{_by(who)}; gave up after {tries}{rest}"


def _by(who: Sequence[str]) -> str:
    return f" by {', '.join(who)}" if who else ""
