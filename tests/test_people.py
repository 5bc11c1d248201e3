"""People: the first one, invitations, roles, passwords, and whose sessions end when."""

import re
import threading
import time
import unicodedata
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import Context
from hashlib import sha256
from typing import Any

import pytest
from conftest import Place
from flask import Flask
from house import HousekeepingClient as Client
from house import error_at, field_of, form_of, rows_of, stranger, text_of

from bookshelf.accounts import passwords, queries, services
from bookshelf.accounts.models import User
from bookshelf.core.db import db
from bookshelf.core.permissions import Role
from bookshelf.core.problems import Problem

pytestmark = pytest.mark.parametrize("place", ["sqlite", "postgresql"], indirect=True)

PASSWORD = "correct horse battery"
KEY = "a key of this start"
WELCOME = f"/welcome/{KEY}"
LAST = "This is the last administrator who can sign in. Make somebody else one first."
MakeApp = Callable[..., Flask]


def add(email: str = "ann@example.org", role: Role = Role.EDITOR, **given: Any) -> User:
    """Somebody with a password."""
    user = services.create_user(email=email, role=role, **({"password": PASSWORD} | given))
    db.session.commit()
    return user


def sign_in(client: Client, email: str = "ann@example.org", password: str = PASSWORD) -> int:
    """Sign in as a person does; the status of the answer."""
    client.sign_in(None)
    return client.submit("/login", email=email, password=password).status_code


def is_known(client: Client) -> bool:
    """Whether the account page opens."""
    return client.get("/account").status_code == 200


def people() -> list[tuple[str, str, bool]]:
    """Everybody, as they now are."""
    db.session.rollback()
    columns = (User.email, User.role, User.active)
    return [tuple(row) for row in db.session.execute(db.select(*columns).order_by(User.id))]


def cookie_in(client: Client) -> str:
    """The session's cookie, as somebody may have copied it."""
    cookie = client.get_cookie("session")
    assert cookie
    return cookie.value


def with_cookie(app: Flask, value: str) -> Client:
    """Another browser with that cookie."""
    client = stranger(app)
    client.set_cookie("session", value)
    return client


# The first one


@pytest.fixture
def welcoming(make_app: MakeApp) -> Flask:
    """An application that `make run` has started while there is nobody."""
    return make_app(WELCOME_KEY=sha256(KEY.encode()).hexdigest())


def test_the_first_administrator_comes_in_by_a_link_that_works_once(
    app: Flask, welcoming: Flask
) -> None:
    first, second = stranger(welcoming), stranger(welcoming)
    typed = {"email": "Ann@Example.org", "name": "Ann", "password": PASSWORD}
    assert first.submit(WELCOME, **typed).location == "/"
    assert people() == [("ann@example.org", "administrator", True)]
    assert "Ann" in text_of(first.get("/people/").text)
    for answer in (second.get(WELCOME), second.post(WELCOME, data=typed)):
        assert answer.status_code == 404
    assert len(people()) == 1


@pytest.mark.parametrize("key", ["another key", "", "%00", "é" * 50])
def test_a_key_of_another_start_opens_nothing(app: Flask, welcoming: Flask, key: str) -> None:
    assert stranger(welcoming).get(f"/welcome/{key}").status_code == 404


def test_without_a_key_there_is_no_welcome(client: Client) -> None:
    assert client.sign_in(None).get(WELCOME).status_code == 404


def test_of_eight_who_come_first_one_becomes_the_administrator(
    app: Flask, welcoming: Flask
) -> None:
    together = threading.Barrier(8)

    def come(number: int) -> int:
        client = stranger(welcoming)
        form = form_of(client.get(WELCOME).text)
        form |= {"email": f"p{number}@example.org", "password": PASSWORD}
        together.wait()
        return Context().run(client.post, WELCOME, data=form).status_code

    with ThreadPoolExecutor(8) as pool:
        answers = sorted(pool.map(come, range(8)))
    assert answers[0] == 302
    assert set(answers[1:]) <= {404, 422}
    assert [role for _, role, _ in people()] == ["administrator"]


@pytest.mark.parametrize(
    ("typed", "field", "said"),
    [
        ({"password": "short"}, "password", "A password has 8 to 128 characters; this has 5."),
        ({"password": "x" * 129}, "password", "A password has 8 to 128 characters; this has 129."),
        ({"password": "PassWord1"}, "password", "This is one of the commonest passwords."),
        ({"password": ""}, "password", "Choose a password."),
        ({"email": "ann"}, "email", "This is no e-mail address."),
        ({"email": "ann@"}, "email", "This is no e-mail address."),
        ({"email": ""}, "email", "Enter the e-mail address."),
    ],
)
def test_what_will_not_do_is_said_at_its_field(
    app: Flask, welcoming: Flask, typed: dict[str, str], field: str, said: str
) -> None:
    sent = {"email": "ann@example.org", "name": "Ann", "password": PASSWORD} | typed
    page = stranger(welcoming).submit(WELCOME, **sent)
    assert page.status_code == 422
    assert said in error_at(page.text, field)
    assert field_of(page.text, "name")["value"] == "Ann"
    assert not field_of(page.text, "password").get("value")
    assert people() == []


# Passwords


@pytest.mark.parametrize(
    "password", [" " * 8, "ÄÖÜäöüßẞ", "📚" * 8, "\\'\";--%00 ", "p" * 128, "パスワードパスワード"]
)
def test_a_password_may_hold_any_character(client: Client, password: str) -> None:
    add(password=password)
    assert sign_in(client, password=password) == 302
    assert sign_in(client, password=password + "x") == 422


def test_a_letter_is_the_same_however_a_keyboard_composes_it(client: Client) -> None:
    add(password="é" * 8)
    assert sign_in(client, password=unicodedata.normalize("NFD", "é" * 8)) == 302


def test_a_hash_is_argon2id_of_owasps_strength_and_depends_on_no_key(
    app: Flask, place: Place
) -> None:
    stored = str(add().password)
    found = re.match(r"\$argon2id\$v=19\$m=(\d+),t=(\d+),p=1\$", stored)
    assert found
    assert int(found[1]) >= 19 * 1024
    assert int(found[2]) >= 2
    with place.app(SECRET_KEY="another").app_context():
        assert services.authenticate(email="ann@example.org", password=PASSWORD)


def test_a_password_is_changed_by_whom_knows_it(client: Client) -> None:
    add()
    sign_in(client)
    url = "/account/password"
    wrong = client.submit(url, current_password="not it", password="another password")
    assert "This is not your password." in error_at(wrong.text, "current_password")
    poor = client.submit(url, current_password=PASSWORD, password="password")
    assert "commonest" in error_at(poor.text, "password")
    assert (
        client.submit(url, current_password=PASSWORD, password="another password").status_code
        == 302
    )
    assert is_known(client)
    assert sign_in(client) == 422
    assert sign_in(client, password="another password") == 302


def test_tries_at_the_password_until_now_are_counted_too(client: Client) -> None:
    add()
    sign_in(client)
    url = "/account/password"
    form = form_of(client.get(url).text) | {
        "current_password": "not it",
        "password": "another password",
    }
    statuses = [client.post(url, data=form).status_code for _ in range(11)]
    assert statuses == [422] * 10 + [429]


def test_a_password_that_would_take_long_to_normalise_takes_no_time(client: Client) -> None:
    client.sign_in(None)
    marks = "a" + "\u0315" * 60_000 + "\u0300" * 60_000
    form = form_of(client.get("/login").text) | {"email": "ann@example.org", "password": marks}
    began = time.monotonic()
    assert client.post("/login", data=form).status_code == 422
    assert time.monotonic() - began < 2


@pytest.mark.parametrize(
    ("stored", "typed"),
    [("x@xn--exmple-cua.org", "X@exämple.org"), ("é@example.org", "e\u0301@example.org")],
)
def test_an_address_is_known_however_it_is_written(client: Client, stored: str, typed: str) -> None:
    add(stored)
    assert sign_in(client, typed) == 302
    assert sign_in(client, stored) == 302


# Whose sessions end when


def sign_out(client: Client, user: User) -> None:
    token = form_of(client.get("/account").text)["csrf_token"]
    assert client.post("/logout", data={"csrf_token": token}).location == "/login"


def change_password(client: Client, user: User) -> None:
    client.submit("/account/password", current_password=PASSWORD, password="another password")


def change_role(client: Client, user: User) -> None:
    services.set_role(user, Role.VIEWER)


def disable(client: Client, user: User) -> None:
    services.set_active(user, False)


@pytest.mark.parametrize("act", [sign_out, change_password, change_role, disable])
def test_all_other_sessions_of_the_person_end_at_once(
    app: Flask, client: Client, act: Callable[[Client, User], None]
) -> None:
    user = add()
    add("bo@example.org", Role.ADMINISTRATOR)
    sign_in(client)
    here, elsewhere = with_cookie(app, cookie_in(client)), stranger(app)
    sign_in(elsewhere)
    sign_in(bystander := stranger(app), "bo@example.org")
    assert is_known(here)
    assert is_known(elsewhere)
    act(client, queries.user(user.id) or user)
    db.session.commit()
    assert not is_known(here), "a copy of the cookie is worth nothing"
    assert not is_known(elsewhere)
    assert is_known(bystander)


def test_signing_out_twice_at_once_is_no_fault(app: Flask, client: Client) -> None:
    add()
    for _ in range(4):
        sign_in(client)
        form = {"csrf_token": form_of(client.get("/account").text)["csrf_token"]}
        copies = [with_cookie(app, cookie_in(client)) for _ in range(4)]
        together = threading.Barrier(4)

        def leave(copy: Client, together: Any = together, form: Any = form) -> int:
            together.wait()
            return Context().run(copy.post, "/logout", data=form).status_code

        with ThreadPoolExecutor(4) as pool:
            assert set(pool.map(leave, copies)) <= {302}
        assert not is_known(client)


def test_a_page_of_an_older_session_signs_nobody_out_and_says_so(client: Client) -> None:
    add()
    sign_in(client)
    older = {"csrf_token": form_of(client.get("/account").text)["csrf_token"]}
    client.submit("/login", email="ann@example.org", password=PASSWORD)
    page = client.post("/logout", data=older)
    assert page.status_code == 400
    assert "You are still signed in" in text_of(page.text)
    assert client.post("/logout", data=form_of(page.text)).location == "/login"
    assert not is_known(client)


def test_a_new_session_begins_with_each_sign_in(app: Flask, client: Client) -> None:
    add()
    client.sign_in(None)
    client.get("/login")
    with client.session_transaction() as session:
        session["planted"] = "by somebody else"
        token = session["csrf_token"]
    client.submit("/login", email="ann@example.org", password=PASSWORD)
    client.get("/account")
    with client.session_transaction() as session:
        assert "planted" not in session
        assert session["csrf_token"] != token


def test_a_disabled_person_gets_in_no_more_and_is_told_nothing(client: Client) -> None:
    user = add()
    services.set_active(user, False)
    db.session.commit()
    client.sign_in(None)
    page = client.submit("/login", email="ann@example.org", password=PASSWORD)
    assert page.status_code == 422
    assert "The e-mail address or the password is wrong." in text_of(page.text)


# Signing in again where one was


def test_a_form_comes_back_filled_after_signing_in_again(app: Flask, client: Client) -> None:
    add()
    sign_in(client)
    typed = form_of(client.get("/authors/new").text) | {"name": "Wole Soyinka", "bio": "a\nb"}
    client.sign_in(None)
    asked = client.post("/authors/new", data=typed)
    assert asked.status_code == 401
    credentials = {"sign_in-email": "ann@example.org", "sign_in-password": PASSWORD}
    back = client.post("/authors/new", data=form_of(asked.text) | credentials)
    assert back.status_code == 400
    assert form_of(back.text)["name"] == "Wole Soyinka"
    assert form_of(back.text)["bio"] == "a\nb"
    assert PASSWORD not in back.text
    assert client.post("/authors/new", data=form_of(back.text)).status_code == 302


def test_a_password_is_never_carried_along(client: Client) -> None:
    client.sign_in("editor")
    form = form_of(client.get("/account/password").text)
    client.sign_in(None)
    page = client.post("/account/password", data=form | {"password": "a new secret"})
    assert page.status_code == 401
    assert "a new secret" not in page.text


def test_somebody_who_may_not_write_gets_no_form_back(app: Flask, client: Client) -> None:
    add(role=Role.VIEWER)
    client.sign_in(None)
    asked = client.post("/authors/new", data={"name": "Eve"})
    credentials = {"sign_in-email": "ann@example.org", "sign_in-password": PASSWORD}
    assert client.post("/authors/new", data=form_of(asked.text) | credentials).status_code == 403


# Invitations


@pytest.fixture
def admin(client: Client) -> Client:
    """A client signed in as an administrator who has a password."""
    add("boss@example.org", Role.ADMINISTRATOR)
    assert sign_in(client, "boss@example.org") == 302
    return client


def link_in(html: str) -> str:
    """The path of the link that an administrator gets to hand over."""
    return str(re.findall(r'id="link" value="([^"]*)"', html)[0]).removeprefix("http://localhost")


def test_an_invitation_works_once(app: Flask, admin: Client) -> None:
    page = admin.submit("/people/new", email="bo@example.org", name="Bo", role="editor")
    link = link_in(page.text)
    bo = stranger(app)
    assert form_of(bo.get(link).text)["name"] == "Bo"
    assert bo.submit(link, name="Bo Li", password=PASSWORD).location == "/"
    assert "Bo Li" in text_of(bo.get("/").text)
    assert stranger(app).get(link).status_code == 404
    assert sign_in(stranger(app), "bo@example.org") == 302


def test_a_new_link_ends_the_older_one_and_the_sessions(app: Flask, admin: Client) -> None:
    page = admin.submit("/people/new", email="bo@example.org", name="Bo", role="editor")
    older = link_in(page.text)
    bo_id = db.session.scalar(db.select(User.id).where(User.email == "bo@example.org"))
    newer = link_in(admin.submit(f"/people/{bo_id}/link", page=f"/people/{bo_id}").text)
    assert stranger(app).get(older).status_code == 404
    assert stranger(app).get(newer).status_code == 200


def test_a_link_is_good_for_a_week(
    app: Flask, admin: Client, monkeypatch: pytest.MonkeyPatch
) -> None:

    page = admin.submit("/people/new", email="bo@example.org", name="Bo", role="editor")
    link, now = link_in(page.text), time.time()
    for days, status in ((6.9, 200), (7.1, 404)):
        later = now + days * 24 * 3600
        monkeypatch.setattr("itsdangerous.timed.time.time", lambda later=later: later)
        assert stranger(app).get(link).status_code == status


@pytest.mark.parametrize("token", ["x", "a.b.c", "WyJhIl0.x.y", "%00", "é", "1" * 2000])
def test_a_garbled_link_is_not_found(client: Client, token: str) -> None:
    assert client.sign_in(None).get(f"/invitation/{token}").status_code == 404


def test_the_same_address_twice_is_refused_at_its_field(admin: Client) -> None:
    add()
    page = admin.submit("/people/new", email="ANN@example.org", name="Ann", role="viewer")
    assert page.status_code == 422
    assert error_at(page.text, "email") == "Somebody has this address already."
    assert field_of(page.text, "name")["value"] == "Ann"


# What an administrator does


def test_people_are_listed_found_and_changed(admin: Client) -> None:
    ann = add(name="Ann Lee")
    assert rows_of(admin.get("/people/?sort=-added").text) == ["Ann Lee", "boss@example.org"]
    assert rows_of(admin.get("/people/?q=lee").text) == ["Ann Lee"]
    assert rows_of(admin.get("/people/?q=ann@example").text) == ["Ann Lee"]
    url = f"/people/{ann.id}"
    answer = admin.submit(f"{url}/role", page=url, role="administrator")
    assert "Ann Lee is now an administrator." in text_of(admin.get(answer.location).text)
    answer = admin.submit(f"{url}/disable", page=url)
    assert "Ann Lee was disabled." in text_of(admin.get(answer.location).text)
    assert people()[1] == ("ann@example.org", "administrator", False)
    admin.submit(f"{url}/enable", page=url)
    assert people()[1] == ("ann@example.org", "administrator", True)


@pytest.mark.parametrize(("act", "typed"), [("role", {"role": "viewer"}), ("disable", {})])
def test_the_last_administrator_stays_one(admin: Client, act: str, typed: dict[str, str]) -> None:
    boss = db.session.scalars(db.select(User)).one()
    page = admin.submit(f"/people/{boss.id}/{act}", page=f"/people/{boss.id}", **typed)
    assert page.status_code == 422
    assert LAST in text_of(page.text)
    assert people() == [("boss@example.org", "administrator", True)]
    assert is_known(admin)


def test_an_administrator_who_never_chose_a_password_does_not_count(admin: Client) -> None:
    services.create_user(email="bo@example.org", role=Role.ADMINISTRATOR)
    boss = db.session.scalars(db.select(User)).first()
    assert boss
    with pytest.raises(Problem, match="last administrator"):
        services.set_active(boss, False)
    db.session.rollback()


def test_two_administrators_cannot_demote_each_other_at_once(app: Flask) -> None:
    ids = [add(f"p{n}@example.org", Role.ADMINISTRATOR).id for n in range(2)]
    for _ in range(5):
        together = threading.Barrier(2)

        def demote(user_id: int, together: threading.Barrier = together) -> str:
            with app.app_context():
                user = queries.user(user_id)
                assert user
                db.session.commit()
                together.wait()
                try:
                    services.set_role(user, Role.VIEWER)
                    db.session.commit()
                except Problem as problem:
                    db.session.rollback()
                    return problem.message
                return "done"

        with ThreadPoolExecutor(2) as pool:
            said = sorted(pool.map(lambda n: Context().run(demote, n), ids))
        assert said == [LAST, "done"]
        for user_id in ids:
            db.session.expire_all()
            user = queries.user(user_id)
            assert user
            services.set_role(user, Role.ADMINISTRATOR)
        db.session.commit()


def test_an_administrator_who_demotes_themself_is_signed_out(admin: Client) -> None:
    add("bo@example.org", Role.ADMINISTRATOR)
    boss = queries.user_of("boss@example.org")
    assert boss
    url = f"/people/{boss.id}"
    assert admin.submit(f"{url}/role", page=url, role="viewer").status_code == 302
    assert not is_known(admin)


def test_a_role_that_is_none_is_refused(admin: Client) -> None:
    boss = queries.user_of("boss@example.org")
    assert boss
    page = admin.submit(f"/people/{boss.id}/role", page=f"/people/{boss.id}", role="emperor")
    assert page.status_code == 422


def test_another_role_leaves_an_invitation_as_it_is(app: Flask, admin: Client) -> None:
    link = link_in(admin.submit("/people/new", email="bo@example.org", role="viewer").text)
    bo = queries.user_of("bo@example.org")
    assert bo
    admin.submit(f"/people/{bo.id}/role", page=f"/people/{bo.id}", role="editor")
    assert stranger(app).get(link).status_code == 200


def test_the_same_role_again_changes_nothing(app: Flask, admin: Client) -> None:
    ann = add()
    sign_in(there := stranger(app))
    admin.submit(f"/people/{ann.id}/role", page=f"/people/{ann.id}", role="editor")
    assert is_known(there)


def test_no_link_is_made_for_who_is_disabled(admin: Client) -> None:
    ann = add()
    services.set_active(ann, False)
    db.session.commit()
    page = admin.submit(f"/people/{ann.id}/link", page=f"/people/{ann.id}")
    assert page.status_code == 422
    assert "Enable this person first" in text_of(page.text)
    assert "Make a link" not in admin.get(f"/people/{ann.id}").text


def test_a_person_says_what_they_are_called(client: Client) -> None:
    client.sign_in("viewer")
    assert client.submit("/account", name=" Ann   Lee ").status_code == 302
    assert "Ann Lee" in text_of(client.get("/account").text)


# `flask users`


def run(app: Flask, *arguments: str, typed: str | None = None) -> tuple[int, str]:
    """What `flask users` prints, and how it ends."""
    db.session.commit()
    runner = app.test_cli_runner()
    result = Context().run(runner.invoke, args=["users", *arguments], input=typed)
    db.session.expire_all()
    return result.exit_code, result.output


def test_people_are_managed_by_commands(app: Flask, client: Client) -> None:
    create = ("create", "Ann@example.org", "--role", "editor")
    assert run(app, *create, "--password-stdin", typed=f"{PASSWORD}\n")[0] == 0
    assert sign_in(client) == 302
    assert run(app, "set-role", "ann@example.org", "viewer")[0] == 0
    assert not is_known(client)
    assert run(app, "disable", "ANN@example.org")[0] == 0
    assert sign_in(client) == 422
    assert re.search(r"ann@example.org +viewer +disabled", run(app, "list")[1])
    assert run(app, "enable", "ann@example.org")[0] == 0
    assert sign_in(client) == 302


def test_a_command_asks_for_the_password_or_prints_a_link(app: Flask) -> None:
    asked = run(app, "create", "a@example.org", "--role", "viewer", typed=f"{PASSWORD}\n" * 2)
    assert asked[0] == 0
    assert PASSWORD not in asked[1]
    address = ("--link", "--address", "https://books.example.org")
    code, printed = run(app, "create", "b@example.org", "--role", "viewer", *address)
    assert code == 0
    link = re.findall(r"https://books\.example\.org(/invitation/\S+)", printed)[0]
    assert stranger(app).get(link).status_code == 200
    newer = re.findall(r"(/invitation/\S+)", run(app, "link", "b@example.org")[1])[0]
    assert stranger(app).get(link).status_code == 404
    assert stranger(app).get(newer).status_code == 200


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("create", "ann", "--role", "viewer"), "This is no e-mail address."),
        (("create", "ann@example.org", "--role", "viewer"), "Somebody has this address already."),
        (("set-role", "no@example.org", "viewer"), "Nobody has the address no@example.org."),
        (("disable", "ann@example.org"), LAST),
        (("set-role", "ann@example.org", "viewer"), LAST),
    ],
)
def test_a_command_that_cannot_be_done_says_why_in_one_line(
    app: Flask, arguments: tuple[str, ...], said: str
) -> None:
    add(role=Role.ADMINISTRATOR)
    more = ("--password-stdin",) if arguments[0] == "create" else ()
    code, printed = run(app, *arguments, *more, typed=f"{PASSWORD}\n")
    assert (code, printed) == (1, f"Error: {said}\n")


def test_a_password_that_is_no_text_is_refused_in_one_line(app: Flask) -> None:
    db.session.commit()
    create = ["users", "create", "a@example.org", "--role", "viewer", "--password-stdin"]
    result = Context().run(app.test_cli_runner().invoke, args=create, input=b"\xff\xfeaaaaaaaa\n")
    assert result.output == "Error: The password is no text in UTF-8.\n"


def test_a_link_and_a_password_together_are_refused(app: Flask) -> None:
    both = ("--link", "--password-stdin")
    assert run(app, "create", "a@example.org", "--role", "viewer", *both, typed="x\n")[0] == 2
    assert people() == []


def test_a_password_that_will_not_do_is_refused_by_the_command_too(app: Flask) -> None:
    create = ("create", "a@example.org", "--role", "viewer", "--password-stdin")
    code, printed = run(app, *create, typed="short\n")
    assert code == 1
    assert "A password has 8 to 128 characters" in printed
    assert people() == []


def test_a_key_is_made_only_while_there_is_nobody(app: Flask) -> None:
    keys = {run(app, "welcome-key")[1] for _ in range(2)}
    assert len(keys) == 2
    assert all(len(key) > 40 for key in keys)
    add()
    assert run(app, "welcome-key") == (0, "")


def test_a_hash_of_nobody_is_made_once(app: Flask) -> None:
    assert passwords.nobodys() is passwords.nobodys()
