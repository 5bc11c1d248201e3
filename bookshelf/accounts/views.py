"""Signing in and out, one's own account, and the pages of people."""

from flask import (
    Blueprint,
    abort,
    flash,
    g,
    redirect,
    render_template,
    request,
    url_for,
)
from flask.typing import ResponseReturnValue

from bookshelf.accounts import queries, services, sessions
from bookshelf.accounts.forms import (
    InvitationForm,
    NameForm,
    PasswordForm,
    PersonForm,
    RoleForm,
    SignInForm,
    WelcomeForm,
)
from bookshelf.accounts.models import User
from bookshelf.core.db import db
from bookshelf.core.permissions import Permission, Role
from bookshelf.core.problems import Stale
from bookshelf.web.forms import BaseForm
from bookshelf.web.lists import Listing
from bookshelf.web.log import log
from bookshelf.web.rendering import shortened
from bookshelf.web.security import public, requires

accounts = Blueprint("accounts", __name__)
people = Blueprint("people", __name__, url_prefix="/people")


@accounts.route("/login", methods=["GET", "POST"])
@public
def sign_in() -> ResponseReturnValue:
    """Sign in, and go on to where one wanted to go."""
    form = SignInForm(data={"next": request.args.get("next")})
    if form.validate_on_submit():
        sessions.enter(form.somebody)
        return redirect(sessions.destination(form.next.data))
    return render_template("accounts/login.html", form=form), form.status, form.headers


@accounts.post("/logout")
@public
def sign_out() -> ResponseReturnValue:
    """Sign out, in every browser: a copy of the cookie is worth nothing afterwards."""
    form, person = BaseForm(), sessions.DOOR.load()
    if person and not form.validate_on_submit():
        g.person = person  # so that the page draws the button
        abort(400, "You are still signed in, as that page was an older one. Sign out here.")
    if person:
        _end_sessions(person.id)
        sessions.leave()
    return redirect(url_for(".sign_in"))


@accounts.route("/welcome/<key>", methods=["GET", "POST"])
@public
def welcome(key: str) -> ResponseReturnValue:
    """Where the first administrator chooses an address and a password, once."""
    if not sessions.welcomes(key):
        abort(404, "This link has been used, or is of an earlier start. Sign in instead.")
    form = WelcomeForm()
    if form.validate_on_submit():
        db.session.commit()  # hashing takes long, and must lock nothing
        with form.showing_problems():
            user = services.create_first_administrator(**form.values)
            db.session.commit()
            sessions.enter(user)
            log.info("role changed", user=user.id, role=user.role)
            return redirect(url_for("dashboard.index"))
    return render_template("accounts/welcome.html", form=form), form.status


@accounts.route("/invitation/<token>", methods=["GET", "POST"])
@public
def invitation(token: str) -> ResponseReturnValue:
    """Where somebody who was handed a link chooses a password, once."""
    user, form = _invited(token), InvitationForm()
    if request.method == "GET":
        form.name.data = user.name
    if form.validate_on_submit():
        db.session.commit()  # hashing takes long, and must lock nothing
        with form.showing_problems():
            services.set_password(user, form.password.data)
            services.rename(user, form.name.data)
            db.session.commit()
            sessions.enter(user)
            return redirect(url_for("dashboard.index"))
    return render_template("accounts/invitation.html", form=form, user=user), form.status


@accounts.route("/account", methods=["GET", "POST"])
@requires(Permission.READ)
def account() -> ResponseReturnValue:
    """What one is called."""
    user = _user(g.person.id)
    form = NameForm(obj=user)
    if form.validate_on_submit():
        with form.showing_problems():
            services.rename(user, form.name.data)
            db.session.commit()
            flash("Your name was saved.")
            return redirect(url_for(".account"))
    return render_template("accounts/account.html", form=form), form.status


@accounts.route("/account/password", methods=["GET", "POST"])
@requires(Permission.READ)
def password() -> ResponseReturnValue:
    """Change one's password, which ends all other sessions."""
    form = PasswordForm(g.person.email)
    if form.validate_on_submit():
        with form.showing_problems():
            services.set_password(form.somebody, form.password.data)
            db.session.commit()
            sessions.enter(form.somebody)
            log.info("password changed")
            flash("Your password was changed. Wherever else you were signed in, you no longer are.")
            return redirect(url_for(".account"))
    return render_template("accounts/password.html", form=form), form.status, form.headers


@people.get("/")
@requires(Permission.ADMINISTER)
def index() -> ResponseReturnValue:
    """The list of people."""
    listing = Listing(queries.SORTS)
    listing.fetch(queries.found, queries.page_of_people, queries.total)
    return render_template("people/index.html", listing=listing)


@people.route("/new", methods=["GET", "POST"])
@requires(Permission.ADMINISTER)
def new() -> ResponseReturnValue:
    """Invite somebody: what comes back is the link to hand over."""
    form = PersonForm()
    if form.validate_on_submit():
        with form.showing_problems():
            values = form.values | {"role": Role(form.role.data)}
            user = services.create_user(**values)
            db.session.commit()
            log.info("role changed", user=user.id, role=user.role)
            return _link(user)
    return render_template("people/new.html", form=form), form.status


@people.get("/<id:user_id>")
@requires(Permission.ADMINISTER)
def show(user_id: int) -> ResponseReturnValue:
    """A person, and what an administrator can do about them."""
    return _page_of(_user(user_id))


@people.post("/<id:user_id>/role")
@requires(Permission.ADMINISTER)
def role(user_id: int) -> ResponseReturnValue:
    """Change what a person may do."""
    user, form = _user(user_id), RoleForm()
    if form.validate_on_submit():
        with form.showing_problems():
            services.set_role(user, Role(form.role.data))
            db.session.commit()
            log.info("role changed", user=user.id, role=user.role)
            return _done(user, f"{shortened(user.called)} is now {_with_article(user.role)}.")
    return _page_of(user, form)


@people.post("/<id:user_id>/disable")
@requires(Permission.ADMINISTER)
def disable(user_id: int) -> ResponseReturnValue:
    """Let a person in no more, from this moment on."""
    return _set_active(user_id, False, "disabled")


@people.post("/<id:user_id>/enable")
@requires(Permission.ADMINISTER)
def enable(user_id: int) -> ResponseReturnValue:
    """Let a person in again."""
    return _set_active(user_id, True, "enabled")


@people.post("/<id:user_id>/link")
@requires(Permission.ADMINISTER)
def link(user_id: int) -> ResponseReturnValue:
    """Make a new link with which the person chooses a password; older ones end."""
    user, form = _user(user_id), BaseForm()
    if form.validate_on_submit():
        with form.showing_problems():
            services.renew_link(user)
            db.session.commit()
            log.info("link made", user=user.id)
            return _link(user)
    return _page_of(user, form)


def _end_sessions(user_id: int) -> None:
    try:
        services.end_sessions(_user(user_id))
        db.session.commit()
    except Stale:  # they have just been ended elsewhere
        db.session.rollback()


def _set_active(user_id: int, active: bool, done: str) -> ResponseReturnValue:
    user, form = _user(user_id), BaseForm()
    if form.validate_on_submit():
        with form.showing_problems():
            services.set_active(user, active)
            db.session.commit()
            log.info(f"person {done}", user=user.id)
            return _done(user, f"{shortened(user.called)} was {done}.")
    return _page_of(user, form)


def _done(user: User, message: str) -> ResponseReturnValue:
    if user.id == g.person.id:
        sessions.leave()
    flash(message)
    return redirect(url_for("people.show", user_id=user.id))


def _page_of(user: User, form: BaseForm | None = None) -> ResponseReturnValue:
    roles = form if isinstance(form, RoleForm) else RoleForm(formdata=None, obj=user)
    page = render_template(
        "people/show.html", user=user, form=form or BaseForm(formdata=None), roles=roles
    )
    return page, form.status if form else 200


def _link(user: User) -> ResponseReturnValue:
    """The page that shows a link, which is nowhere kept."""
    address = sessions.link_for(user, request.host_url)
    return render_template("people/link.html", user=user, address=address)


def _user(user_id: int) -> User:
    return queries.user(user_id) or abort(404)


def _invited(token: str) -> User:
    """Who a link is for; 404 for one that was used, has been replaced, or is too old."""
    message = "This link was used or replaced, or is older than 7 days. Ask for a new one."
    return sessions.invited_by(token) or abort(404, message)


def _with_article(role: str) -> str:
    return f"an {role}" if role[0] in "aeiou" else f"a {role}"
