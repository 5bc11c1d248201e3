"""What `flask doctor --deploy` finds: each fault is planted, and a sound setting has none."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from conftest import Place, run_flask
from flask import Flask
from sqlalchemy import make_url

from bookshelf.schema import backups, deployment
from config import Config

Spoil = Callable[[Flask], object]

PRODUCTION = {
    "BOOKSHELF_ENV": "production",
    "TRUSTED_HOSTS": "books.example.org",
    "SECRET_KEY": "k" * 50,
    "PROXY_HOPS": "1",
}
REMOTE = "postgresql://ann:s3cret@db.example.org/shelf"
NAMES = [
    "secret key",
    "environment",
    "trusted hosts",
    "debug",
    "session cookie",
    "HTTPS",
    "proxies",
    "database TLS",
    "file modes",
]


@pytest.fixture(params=["sqlite"])
def place(request: pytest.FixtureRequest, standing: Callable[[str], tuple[Place, Flask]]) -> Place:
    """A migrated database; only the settings are examined here."""
    return standing(request.param)[0]


@pytest.fixture
def sound(place: Place, tmp_path: Path) -> Iterator[Flask]:
    """An application whose settings production can have."""
    settings = Config.from_env(PRODUCTION | {"DATABASE_URL": place.serving}).settings()
    app = place.app(**settings)
    app.instance_path = str(tmp_path / "instance")
    Path(app.instance_path).mkdir(mode=0o700)
    (tmp_path / "instance/secret_key").touch(mode=0o600)
    for file in database(app).parent.rglob("*.db*"):
        file.chmod(0o600)
    with app.app_context():
        yield app


def database(app: Flask) -> Path:
    """The SQLite file that an application serves from."""
    return Path(str(make_url(app.config["SQLALCHEMY_DATABASE_URI"]).database))


def lines() -> dict[str, str]:
    """What is said of each check."""
    found = list(deployment.findings())
    said = {finding.line[:14].strip(): finding.line[15:] for finding in found}
    assert len(said) == len(found)
    for finding, words in zip(found, said.values(), strict=True):
        assert words.startswith("TROUBLE: " if finding.trouble else "ok")
        assert "\n" not in words
    return said


def test_a_sound_setting_has_no_trouble(sound: Flask) -> None:
    assert lines() == dict.fromkeys(NAMES, "ok") | {"proxies": "ok (PROXY_HOPS is 1)"}


def change(**settings: object) -> Spoil:
    """Plant settings."""
    return lambda app: app.config.update(settings)


def open_up(name: str, mode: int) -> Spoil:
    """Plant a mode; {database} stands for the SQLite file."""
    return lambda app: Path(name.format(database=database(app), instance=app.instance_path)).chmod(
        mode
    )


def widen_the_journal(app: Flask) -> None:
    journal = Path(f"{database(app)}-wal")
    journal.touch()
    journal.chmod(0o644)


def widen_a_backup(app: Flask) -> None:
    backup = backups.make(make_url(app.config["MIGRATING_URL"]))
    assert backup
    backup.chmod(0o644)


def debug(app: Flask) -> None:
    app.debug = True


FAULTS: list[tuple[str, Spoil, str]] = [
    ("secret key", change(SECRET_KEY="k" * 49), "give SECRET_KEY at least 50 characters"),
    ("environment", change(BOOKSHELF_ENV="development"), "set BOOKSHELF_ENV=production"),
    ("trusted hosts", change(TRUSTED_HOSTS=[]), "set TRUSTED_HOSTS"),
    ("trusted hosts", change(TRUSTED_HOSTS=None), "set TRUSTED_HOSTS"),
    ("debug", debug, "unset FLASK_DEBUG"),
    ("session cookie", change(SESSION_COOKIE_NAME="session"), "lacks a name that begins"),
    ("session cookie", change(SESSION_COOKIE_SECURE=False), "lacks Secure"),
    ("session cookie", change(SESSION_COOKIE_HTTPONLY=False), "lacks HttpOnly"),
    ("session cookie", change(SESSION_COOKIE_SAMESITE=None), "lacks SameSite"),
    ("session cookie", change(SESSION_COOKIE_SAMESITE="None"), "lacks SameSite"),
    ("session cookie", change(SESSION_COOKIE_DOMAIN="example.org"), "lacks no Domain"),
    ("session cookie", change(SESSION_COOKIE_PATH="/books"), "lacks Path=/"),
    ("HTTPS", change(PREFERRED_URL_SCHEME="http"), "set BOOKSHELF_ENV=production"),
    ("proxies", change(PROXY_HOPS=6), "set PROXY_HOPS to the number of proxies"),
    ("database TLS", change(SQLALCHEMY_DATABASE_URI=REMOTE), "to the URL for serving"),
    ("database TLS", change(MIGRATING_URL=REMOTE), "add ?sslmode=require to the URL for migrating"),
    ("database TLS", change(MIGRATING_URL=f"{REMOTE}?sslmode=prefer"), "for migrating"),
    ("file modes", open_up("{instance}", 0o755), "chmod 700"),
    ("file modes", open_up("{instance}", 0o710), "chmod 700"),
    ("file modes", open_up("{instance}/secret_key", 0o640), "chmod 600"),
    ("file modes", open_up("{database}", 0o644), "chmod 600"),
    ("file modes", widen_the_journal, "chmod 600"),
    ("file modes", widen_a_backup, "chmod 600"),
]


@pytest.mark.parametrize(("name", "spoil", "remedy"), FAULTS)
def test_a_planted_fault_is_found_with_its_remedy(
    sound: Flask, name: str, spoil: Spoil, remedy: str
) -> None:
    spoil(sound)
    said = lines()
    assert said[name].startswith("TROUBLE: ")
    assert remedy in said[name]
    assert [other for other in NAMES if said[other].startswith("TROUBLE")] == [name]
    assert "s3cret" not in str(said)


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://ann@localhost/shelf",
        "postgresql://ann@127.0.0.1/shelf",
        "postgresql://ann@[::1]/shelf",
        f"{REMOTE}?sslmode=require",
        f"{REMOTE}?sslmode=verify-ca",
        f"{REMOTE}?sslmode=verify-full&connect_timeout=3",
    ],
)
def test_a_database_nearby_or_over_tls_is_no_trouble(sound: Flask, url: str) -> None:
    sound.config.update(SQLALCHEMY_DATABASE_URI=url, MIGRATING_URL=url)
    assert lines()["database TLS"] == "ok"


def test_no_proxy_is_no_trouble_but_is_said(sound: Flask) -> None:
    sound.config["PROXY_HOPS"] = 0
    assert lines()["proxies"] == "ok (PROXY_HOPS is 0)"


def test_a_group_may_read_the_database_and_files_may_be_missing(sound: Flask) -> None:
    database(sound).chmod(0o640)
    sound.instance_path += "/nowhere"
    assert lines()["file modes"] == "ok"


def examine(folder: Path, place: Place, status: int, **given: str) -> list[str]:
    return run_flask(folder, place, "doctor --deploy", status=status, given=given).splitlines()


def test_the_command_reports_after_the_usual_report(place: Place, checkout: Path) -> None:
    Path(str(make_url(place.serving).database)).chmod(0o600)
    found = examine(checkout, place, 0, **PRODUCTION)
    assert found[6].startswith("revision ")
    assert found[-len(NAMES)] == "secret key     ok"
    assert found[-len(NAMES) - 1].startswith("locks ")


def test_the_command_fails_for_any_trouble(place: Place, checkout: Path) -> None:
    Path(str(make_url(place.serving).database)).chmod(0o600)
    found = examine(checkout, place, 1, SECRET_KEY="short")
    troubled = [line[:14].strip() for line in found if "TROUBLE" in line]
    assert troubled == ["secret key", "environment", "session cookie", "HTTPS"]


def test_what_bookshelf_makes_itself_is_closed_enough(place: Place, checkout: Path) -> None:
    run_flask(checkout, None, "db upgrade")
    found = run_flask(checkout, None, "doctor --deploy", status=1).splitlines()
    assert found[-1] == "file modes     ok"
    assert (checkout / "instance/bookshelf.db").exists()
    assert (checkout / "instance/secret_key").exists()


@pytest.mark.parametrize("given", [{"FLASK_DEBUG": "1"}, {"TRUSTED_HOSTS": ""}])
def test_the_deadly_faults_are_refused_in_one_line(
    place: Place, checkout: Path, given: dict[str, str]
) -> None:
    (said,) = examine(checkout, place, 4, **PRODUCTION | given)
    assert said.startswith("Bookshelf cannot start: ")
