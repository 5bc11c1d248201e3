"""The forms of people: signing in, choosing a password, who somebody is."""

from math import ceil
from typing import Any

from wtforms import Field, HiddenField, PasswordField, SelectField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired

from bookshelf.accounts import services, tries
from bookshelf.accounts.models import User
from bookshelf.core.permissions import Role
from bookshelf.web.forms import AtMost, BaseForm, LineField, Required
from bookshelf.web.log import log

WRONG = "The e-mail address or the password is wrong."
ROLES = [
    SelectChoice(Role.VIEWER.value, "Viewer: looks"),
    SelectChoice(Role.EDITOR.value, "Editor: also adds, changes and deletes"),
    SelectChoice(Role.ADMINISTRATOR.value, "Administrator: also decides who may come in"),
]


def email_field() -> LineField:
    """An address, which browsers fill in."""
    needed = [Required("Enter the e-mail address."), AtMost(254)]
    return LineField("E-mail", needed, render_kw={"autocomplete": "username", "type": "email"})


def name_field() -> LineField:
    """What a person wants to be called."""
    return LineField("Name", [AtMost(300)], render_kw={"autocomplete": "name"})


def role_field() -> SelectField:
    """One of the three roles."""
    return SelectField("Role", [InputRequired()], choices=ROLES)


def new_password_field(label: str = "Password") -> PasswordField:
    """A password that is being chosen."""
    return PasswordField(
        label,
        [InputRequired("Choose a password.")],
        render_kw={"autocomplete": "new-password"},
    )


class VerifyingForm(BaseForm):
    """A form with a password to look at; `wait` says for how many seconds none will be.

    `somebody` is whose it is, once the form is valid.
    """

    wait = 0
    somebody: User

    @property
    def status(self) -> int:
        """429 where there were too many tries, otherwise as for any form."""
        return 429 if self.wait else super().status

    @property
    def headers(self) -> dict[str, str]:
        """The headers of its page."""
        return {"Retry-After": str(self.wait)} if self.wait else {}

    def verifies(self, email: str, field: Field, wrong: str) -> bool:
        """Whether these are somebody's; the try is counted first. Errors go to `field`."""
        account, moment = tries.digest(email), 0.0
        self.wait = tries.count_address()
        if not self.wait:
            moment, self.wait = tries.take(email)
        if self.wait:
            log.warning("sign-in throttled", account=account)
            minutes = ceil(self.wait / 60)
            field.errors = [f"Too many tries. Wait {minutes} min, then try again."]
            return False
        user = services.authenticate(email=email, password=field.data)
        if user is None:
            log.warning("sign-in failed", account=account)
            field.errors = [wrong]
            return False
        tries.give_back(email, moment)
        self.somebody = user
        return True


class SignInForm(VerifyingForm):
    """Who somebody is."""

    email = email_field()
    password = PasswordField(
        "Password",
        [InputRequired("Enter your password.")],
        render_kw={"autocomplete": "current-password"},
    )
    next = HiddenField()

    def validate(self, extra_validators: Any = None) -> bool:
        """Whether this is somebody, and who."""
        valid = super().validate(extra_validators)
        return valid and self.verifies(str(self.email.data), self.password, WRONG)


class InvitationForm(BaseForm):
    """What somebody who was invited says of themselves."""

    name = name_field()
    password = new_password_field()


class WelcomeForm(BaseForm):
    """Who the first administrator is."""

    email = email_field()
    name = name_field()
    password = new_password_field()


class NameForm(BaseForm):
    """What a person is called."""

    name = name_field()


class PasswordForm(VerifyingForm):
    """A new password, with the one until now."""

    current_password = PasswordField(
        "Password until now",
        [InputRequired("Enter your password until now.")],
        render_kw={"autocomplete": "current-password"},
    )
    password = new_password_field("New password")

    def __init__(self, email: str) -> None:
        self.email = email
        super().__init__()

    def validate(self, extra_validators: Any = None) -> bool:
        """Whether the person who is signed in has this password."""
        valid = super().validate(extra_validators)
        wrong = "This is not your password."
        return valid and self.verifies(self.email, self.current_password, wrong)


class PersonForm(BaseForm):
    """Somebody who is to be invited."""

    email = email_field()
    name = name_field()
    role = role_field()


class RoleForm(BaseForm):
    """What a person may do."""

    role = role_field()
