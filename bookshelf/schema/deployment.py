"""What `flask doctor --deploy` finds: each setting that production depends on, and its remedy."""

from collections.abc import Callable, Iterator
from ipaddress import ip_address
from pathlib import Path
from stat import S_IMODE

from flask import current_app
from sqlalchemy import URL, make_url

from bookshelf.schema import backups
from bookshelf.schema.findings import Finding

SHORTEST_KEY = 50
MOST_HOPS = 5
ENCRYPTING = {"require", "verify-ca", "verify-full"}
IN_PRODUCTION = "set BOOKSHELF_ENV=production"


def findings() -> Iterator[Finding]:
    """One line for each check: ok, or the trouble with what to do about it."""
    for name, check in CHECKS.items():
        troubles = list(check())
        if troubles:
            yield Finding(name, trouble=f"{'; '.join(troubles)}{_remark(name)}")
        else:
            yield Finding(name, f"ok{_remark(name)}")


def _remark(name: str) -> str:
    """How many proxies are believed: any number may be right, so a person has to compare it."""
    return f" (PROXY_HOPS is {current_app.config['PROXY_HOPS']})" if name == "proxies" else ""


def _secret_key() -> Iterator[str]:
    if len(current_app.config["SECRET_KEY"]) < SHORTEST_KEY:
        yield f"give SECRET_KEY at least {SHORTEST_KEY} characters"


def _environment() -> Iterator[str]:
    if current_app.config["BOOKSHELF_ENV"] != "production":
        yield IN_PRODUCTION


def _trusted_hosts() -> Iterator[str]:
    if not current_app.config["TRUSTED_HOSTS"]:
        yield "set TRUSTED_HOSTS to the names under which Bookshelf is reached"


def _debug() -> Iterator[str]:
    if current_app.debug:
        yield "unset FLASK_DEBUG, and leave out --debug"


def _session_cookie() -> Iterator[str]:
    config = current_app.config
    flags = {
        "a name that begins with __Host-": config["SESSION_COOKIE_NAME"].startswith("__Host-"),
        "Secure": config["SESSION_COOKIE_SECURE"],
        "HttpOnly": config["SESSION_COOKIE_HTTPONLY"],
        "SameSite": config["SESSION_COOKIE_SAMESITE"] in ("Lax", "Strict"),
        "no Domain": not config["SESSION_COOKIE_DOMAIN"],
        "Path=/": config["SESSION_COOKIE_PATH"] in (None, "/"),
    }
    lacking = [flag for flag, is_there in flags.items() if not is_there]
    if lacking:
        yield f"the cookie lacks {', '.join(lacking)}: {IN_PRODUCTION}"


def _https() -> Iterator[str]:
    if current_app.config["PREFERRED_URL_SCHEME"] != "https":
        yield f"links and HSTS do not ask for HTTPS: {IN_PRODUCTION}"


def _proxies() -> Iterator[str]:
    if current_app.config["PROXY_HOPS"] not in range(MOST_HOPS + 1):
        yield f"set PROXY_HOPS to the number of proxies, from 0 to {MOST_HOPS}"


def _database_tls() -> Iterator[str]:
    for role, setting in (("serving", "SQLALCHEMY_DATABASE_URI"), ("migrating", "MIGRATING_URL")):
        url = make_url(current_app.config[setting])
        if url.get_backend_name() == "postgresql" and not (_is_local(url) or _encrypts(url)):
            yield f"add ?sslmode=require to the URL for {role}"


def _is_local(url: URL) -> bool:
    host = (url.host or "localhost").lower()
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _encrypts(url: URL) -> bool:
    return url.query.get("sslmode") in ENCRYPTING


def _file_modes() -> Iterator[str]:
    instance = Path(current_app.instance_path)
    yield from _too_open(instance, 0o700)
    yield from _too_open(instance / "secret_key", 0o600)
    url = make_url(current_app.config["SQLALCHEMY_DATABASE_URI"])
    if url.get_backend_name() == "sqlite":
        # Its group may be let in, for a backup, say.
        for ending in ("", "-wal", "-shm"):
            yield from _too_open(Path(f"{url.database}{ending}"), 0o600, unwanted=0o007)
        for backup in backups.kept(url):
            yield from _too_open(backup.path, 0o600, unwanted=0o007)


def _too_open(path: Path, mode: int, unwanted: int = 0o077) -> Iterator[str]:
    if path.exists() and S_IMODE(path.stat().st_mode) & unwanted:
        yield f"chmod {mode:o} {path}"


CHECKS: dict[str, Callable[[], Iterator[str]]] = {
    "secret key": _secret_key,
    "environment": _environment,
    "trusted hosts": _trusted_hosts,
    "debug": _debug,
    "session cookie": _session_cookie,
    "HTTPS": _https,
    "proxies": _proxies,
    "database TLS": _database_tls,
    "file modes": _file_modes,
}
