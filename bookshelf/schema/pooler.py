"""How a pooler in transaction mode is recognised: it loses the locks and settings of a session."""

from sqlalchemy import URL, Connection, Engine, text
from sqlalchemy.exc import OperationalError

POOLER_LABEL = "-pooler"
START_UP_REFUSED = "unsupported startup parameter"
ROUNDS = 8
SERVER = text("SELECT pg_backend_pid()")

BY_NAME = "the first label of its host ends in -pooler"
BY_REFUSAL = "it refuses start-up options"
BY_PROBE = "one connection is served by several processes of the server"


def is_named_pooler(url: URL) -> bool:
    """Whether the name of the host says that a pooler answers there, as Neon's do."""
    return (url.host or "").lower().split(".")[0].endswith(POOLER_LABEL)


def reason(engine: Engine) -> str | None:
    """Why a pooler is known to answer at the URL of an engine that asks for start-up options.

    None for a direct connection, or one through a pooler that keeps to sessions. The cheapest way
    first: the name of the host, start-up options refused, the probe. Raises DBAPIError where
    nothing answers.
    """
    if is_named_pooler(engine.url):
        return BY_NAME
    if engine.dialect.name != "postgresql":
        return None
    try:
        return BY_PROBE if _changes_servers(engine) else None
    except OperationalError as error:
        if START_UP_REFUSED in str(error.orig):
            return BY_REFUSAL
        raise


def _changes_servers(engine: Engine) -> bool:
    """Whether two open connections ever share a process of the server, or one changes its own."""
    at_once = engine.execution_options(isolation_level="AUTOCOMMIT")
    ours: set[int] = set()
    theirs: set[int] = set()
    with at_once.connect() as one, at_once.connect() as other:
        for turn in range(ROUNDS):
            # A busy pool serves two who take turns evenly alike for a while.
            ours |= {_process(one) for _ in range(1 + turn % 2)}
            theirs.add(_process(other))
            if len(ours) > 1 or len(theirs) > 1 or ours & theirs:
                return True
    return False


def _process(connection: Connection) -> int:
    return int(connection.scalar(SERVER) or 0)
