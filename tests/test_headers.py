"""What every response tells the browser, whose requests are answered, and what may be kept."""

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import ROOT, Place, style_sheet
from flask import Flask, abort, redirect, request, session
from flask.typing import ResponseReturnValue
from house import stranger
from werkzeug.wrappers import Response

from bookshelf.web.assets import tree_hash
from bookshelf.web.security import public
from config import Config

MakeApp = Callable[..., Flask]

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src 'self' data:; font-src 'self'; connect-src 'self'; form-action 'self'; "
    "base-uri 'none'; object-src 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}
HSTS = "Strict-Transport-Security"
FOR_GOOD = "public, max-age=31536000, immutable"


@pytest.fixture(params=["sqlite"])
def place(request: pytest.FixtureRequest, standing: Callable[[str], tuple[Place, Flask]]) -> Place:
    """One kind of database will do: none of this depends on it."""
    return standing(request.param)[0]


@pytest.fixture
def odd(make_app: MakeApp) -> Flask:
    """An application with a view for each way in which a request can end."""
    app = make_app(TESTING=False)

    def view(ending: str) -> ResponseReturnValue:
        session["seen"] = ending
        if ending == "redirect":
            return redirect("/")
        if ending == "failing":
            raise RuntimeError
        return abort(int(ending))

    app.add_url_rule("/ends/<ending>", view_func=public(view))
    app.add_url_rule("/api/ends/<ending>", view_func=public(view), endpoint="api_view")
    return app


def assert_guarded(answer: Response) -> None:
    """The answer has every header, each once."""
    for name, value in HEADERS.items():
        assert answer.headers.getlist(name) == [value], name
    assert "unsafe" not in str(answer.headers)


ENDINGS = ["redirect", "failing", "400", "403", "404", "409", "413", "429", "500", "503"]


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("path", ["/ends/", "/api/ends/"])
def test_every_ending_has_every_header(odd: Flask, path: str, ending: str) -> None:
    answer = odd.test_client().get(f"{path}{ending}")
    assert str(answer.status_code) == {"redirect": "302", "failing": "500"}.get(ending, ending)
    assert_guarded(answer)
    assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/", 200),
        ("HEAD", "/authors/", 200),
        ("OPTIONS", "/books/", 200),
        ("POST", "/authors/new", 400),
        ("DELETE", "/", 405),
        ("GET", "/authors", 308),
        ("GET", "/nothing", 404),
        ("GET", "/static/css/bookshelf.css", 404),
        ("GET", "/api/books", 200),
        ("GET", "/api/nothing", 404),
        ("GET", "/livez", 200),
        ("GET", "/readyz", 200),
    ],
)
def test_every_address_has_every_header(
    make_app: MakeApp, method: str, path: str, status: int
) -> None:
    answer = make_app().test_client().open(path, method=method)
    assert answer.status_code == status
    assert_guarded(answer)
    assert answer.headers.getlist("Cache-Control") == ["no-store"]
    assert HSTS not in answer.headers


def test_a_response_that_fails_while_it_is_finished_has_the_headers(odd: Flask) -> None:
    def fail(response: object) -> None:
        raise RuntimeError

    odd.after_request_funcs[None].insert(0, fail)
    answer = odd.test_client().get("/")
    assert answer.status_code == 500
    assert_guarded(answer)


@pytest.mark.parametrize("path", ["/", "/nothing", "/api/books"])
def test_production_asks_for_https_from_then_on(make_app: MakeApp, path: str) -> None:
    answer = make_app(BOOKSHELF_ENV="production").test_client().get(path)
    assert answer.headers[HSTS] == "max-age=63072000"
    assert_guarded(answer)


# Static files


def addresses(app: Flask) -> list[str]:
    """The style sheets and pictures that the start page asks for."""
    page = app.test_client().get("/").text
    return sorted(set(re.findall(r'(?:href|src)="([^"]+\.(?:css|svg))"', page)))


def test_every_file_of_a_page_is_kept_for_good(make_app: MakeApp) -> None:
    app = make_app()
    found = addresses(app)
    assert len(found) == 3
    for address in found:
        assert re.match(r"(/bootstrap)?/static/[0-9a-f]{12}/", address), address
        with app.test_client().get(address) as answer:
            assert answer.status_code == 200
            assert answer.headers.getlist("Cache-Control") == [FOR_GOOD]
            assert_guarded(answer)


def test_a_file_that_is_still_the_same_is_not_sent_again(make_app: MakeApp) -> None:
    app = make_app()
    with app.test_client().get(style_sheet(app)) as first:
        headers = {"If-None-Match": first.headers["ETag"]}
    with app.test_client().get(style_sheet(app), headers=headers) as answer:
        assert (answer.status_code, answer.headers["Cache-Control"]) == (304, FOR_GOOD)
        assert_guarded(answer)


def test_a_file_that_is_missing_is_not_kept(make_app: MakeApp) -> None:
    app = make_app()
    answer = app.test_client().get(style_sheet(app).replace("bookshelf.css", "missing.css"))
    assert (answer.status_code, answer.headers["Cache-Control"]) == (404, "no-store")


def test_a_file_that_is_being_edited_is_not_kept(make_app: MakeApp) -> None:
    app = make_app()
    app.debug = True
    with app.test_client().get(style_sheet(app)) as answer:
        assert answer.headers["Cache-Control"] == "no-store"


def test_what_everybody_shares_carries_no_session(make_app: MakeApp) -> None:
    app = make_app()

    @app.before_request
    def touch() -> None:
        session["seen"] = request.path

    client = app.test_client()
    for path in (*addresses(app), "/livez", "/readyz"):
        with client.get(path) as answer:
            assert "Set-Cookie" not in answer.headers
            assert answer.headers["Vary"] == "Accept-Encoding"
    page = client.get("/")
    assert "session=" in page.headers["Set-Cookie"]
    assert set(page.vary) == {"Cookie", "Accept-Encoding"}


def test_the_hash_changes_with_names_contents_and_version(tmp_path: Path) -> None:
    (tmp_path / "css").mkdir()
    file = tmp_path / "css/a.css"
    file.write_text("p {}")
    hashes = [tree_hash(tmp_path, "1")]
    assert tree_hash(tmp_path, "1") == hashes[0]
    hashes.append(tree_hash(tmp_path, "2"))
    file.write_text("q {}")
    hashes.append(tree_hash(tmp_path, "1"))
    file.rename(tmp_path / "css/b.css")
    hashes.append(tree_hash(tmp_path, "1"))
    (tmp_path / "c.css").write_text("")
    hashes.append(tree_hash(tmp_path, "1"))
    assert len(set(hashes)) == 5
    assert all(re.fullmatch("[0-9a-f]{12}", found) for found in hashes)


# Cookies


def test_the_cookie_of_production_is_for_this_host_and_https_alone(place: Place) -> None:
    env = {
        "BOOKSHELF_ENV": "production",
        "TRUSTED_HOSTS": "localhost",
        "SECRET_KEY": "k" * 50,
        "DATABASE_URL": place.serving,
    }
    app = place.app(**Config.from_env(env).settings())
    cookie = stranger(app).get("/login", base_url="https://localhost").headers["Set-Cookie"]
    value, *flags = cookie.split("; ")
    assert value.startswith("__Host-session=")
    assert set(flags) == {"Secure", "HttpOnly", "Path=/", "SameSite=Lax"}


# Hosts and proxies

FORGED = [
    "evil.example",
    "localhost.evil.example",
    "xlocalhost",
    "",
    "a b",
    "localhost:x",
    "ö",
    "[",
]


@pytest.mark.parametrize("host", FORGED)
def test_a_forged_host_is_refused_in_words(make_app: MakeApp, host: str) -> None:
    client = make_app(TESTING=False).test_client()
    for path in ("/", "/authors/new", "/nothing", "/livez", "/static/x.css"):
        answer = client.get(path, headers={"Host": host})
        assert (answer.status_code, answer.mimetype) == (400, "text/plain")
        assert answer.text == "Bookshelf is not served under this name."
        assert_guarded(answer)
    problem = client.get("/api/books", headers={"Host": host})
    assert (problem.status_code, problem.mimetype) == (400, "application/problem+json")
    assert problem.get_json()["detail"] == "Bookshelf is not served under this name."
    assert_guarded(problem)


def test_a_forged_host_costs_no_query(make_app: MakeApp, tmp_path: Path) -> None:
    gone = f"sqlite:///{tmp_path}/gone/bookshelf.db"
    client = make_app(SQLALCHEMY_DATABASE_URI=gone, TESTING=False).test_client()
    assert client.get("/", headers={"Host": "evil.example"}).status_code == 400


@pytest.mark.parametrize(
    ("trusted", "host"),
    [
        ("localhost", "localhost"),
        ("localhost", "localhost:8000"),
        ("127.0.0.1", "127.0.0.1:8000"),
        ("books.example.org", "books.example.org"),
        (".example.org", "books.example.org"),
        (".example.org", "example.org"),
        ("xn--bcher-kva.example", "xn--bcher-kva.example"),
    ],
)
def test_a_host_of_ours_is_answered(make_app: MakeApp, trusted: str, host: str) -> None:
    client = stranger(make_app(TRUSTED_HOSTS=[trusted]))
    assert client.get("/login", headers={"Host": host}).status_code == 200


def who() -> list[str | None]:
    """Who asks, as the application sees it."""
    return [request.remote_addr, request.scheme, request.host]


CLAIMS = {
    "X-Forwarded-For": "203.0.113.1, 203.0.113.2, 203.0.113.3",
    "X-Forwarded-Proto": "gopher, https, http",
    "X-Forwarded-Host": "evil.example, outer.example, inner.example",
}


@pytest.mark.parametrize(
    ("hops", "expected"),
    [
        (0, ["127.0.0.1", "http", "localhost"]),
        (1, ["203.0.113.3", "http", "inner.example"]),
        (2, ["203.0.113.2", "https", "outer.example"]),
    ],
)
def test_so_many_proxies_are_believed_as_there_are(
    make_app: MakeApp, hops: int, expected: list[str]
) -> None:
    app = make_app(PROXY_HOPS=hops, TRUSTED_HOSTS=["localhost", "inner.example", "outer.example"])
    app.add_url_rule("/who", view_func=public(who))
    assert app.test_client().get("/who", headers=CLAIMS).get_json() == expected


@pytest.mark.parametrize("hops", [1, 2, 5])
def test_a_proxy_that_says_nothing_lets_nobody_else_speak(make_app: MakeApp, hops: int) -> None:
    app = make_app(PROXY_HOPS=hops)
    app.add_url_rule("/who", view_func=public(who))
    short = {name: value.split(", ")[0] for name, value in CLAIMS.items()} if hops > 1 else {}
    found = app.test_client().get("/who", headers=short).get_json()
    assert found == ["127.0.0.1", "http", "localhost"]


def test_a_host_that_a_proxy_hands_on_must_be_ours_too(make_app: MakeApp) -> None:
    client = make_app(PROXY_HOPS=1).test_client()
    answer = client.get("/", headers={"X-Forwarded-Host": "evil.example"})
    assert answer.status_code == 400
    assert_guarded(answer)


def test_gunicorn_leaves_it_to_us_to_believe_a_proxy(place: Place) -> None:
    program = [sys.executable, "-m", "gunicorn", "--print-config"]
    env = os.environ | {"DATABASE_URL": place.serving, "SECRET_KEY": "only-for-tests"}
    shown = subprocess.run(program, cwd=ROOT, env=env, capture_output=True, text=True, check=True)
    assert re.search(r"^forwarded_allow_ips +\S? *\[\]$", shown.stdout, re.MULTILINE)
