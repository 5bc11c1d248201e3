"""People: the first one, invitations, and what an administrator does."""

import re
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import Context
from hashlib import sha256

import pytest
from accounts import LAST, PASSWORD, add, is_known, people, sign_in
from flask import Flask
from house import HousekeepingClient as Client
from house import error_at, field_of, form_of, rows_of, stranger, text_of

from bookshelf.accounts import queries, services
from bookshelf.accounts.models import User
from bookshelf.core.db import db
from bookshelf.core.permissions import Role
from bookshelf.core.problems import Problem

pytestmark = pytest.mark.parametrize("place", ["sqlite", "postgresql"], indirect=True)

KEY = "a key of this start"
WELCOME = f"/welcome/{KEY}"
MakeApp = Callable[..., Flask]


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
