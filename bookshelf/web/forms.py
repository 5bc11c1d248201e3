"""Forms that keep what was typed, say what is wrong where it is wrong, and hand on plain values."""

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple, Self

from flask import abort, request
from flask_wtf import FlaskForm
from flask_wtf.csrf import validate_csrf
from markupsafe import escape
from wtforms import Field, HiddenField, IntegerField, StringField, TextAreaField
from wtforms.validators import StopValidation, ValidationError
from wtforms.widgets import TextInput

from bookshelf.core.db import Record, db
from bookshelf.core.problems import Problem, Stale
from bookshelf.web.log import log
from bookshelf.web.urls import parse_id

LONGEST_NAME = 300
BLANK_LETTERS = "\u115f\u1160\u2800\u3164\uffa0"  # letters and symbols of which nothing shows


class Required:
    """A validator: something visible must have been typed."""

    field_flags: Mapping[str, Any] = {"required": True}

    def __init__(self, message: str) -> None:
        self.message = message

    def __call__(self, form: FlaskForm, field: Field) -> None:
        if not (field.raw_data and tidy_line(field.raw_data[0])):
            field.errors = []
            raise StopValidation(self.message)


class AtMost:
    """A validator: no longer than the column is; the browser would cut a paste off silently."""

    def __init__(self, length: int) -> None:
        self.length = length

    def __call__(self, form: FlaskForm, field: Field) -> None:
        refuse_excess(field.data or "", self.length)


class LineInput(TextInput):
    """An input as WTForms draws it, whose own way to write attributes takes a fifth of a form."""

    @staticmethod
    def html_params(**attributes: object) -> str:
        """The attributes in order, named as given; True makes a bare name of one, False none."""
        pairs = sorted(pair for pair in attributes.items() if pair[1] is not False)
        return " ".join(
            name if value is True else f'{name}="{escape(str(value))}"' for name, value in pairs
        )


class LineField(StringField):
    """One line of text; runs of white space become one space, a blank line becomes None."""

    widget = LineInput()

    def process_formdata(self, valuelist: list[str]) -> None:
        if valuelist:
            self.data = tidy_line(valuelist[0]) or None

    def pre_validate(self, form: FlaskForm) -> None:
        refuse_control_characters(self.data or "")


class ProseField(TextAreaField):
    """Several lines of text; blank text becomes None."""

    def process_formdata(self, valuelist: list[str]) -> None:
        if valuelist:
            self.data = "\n".join(valuelist[0].splitlines()).strip() or None

    def pre_validate(self, form: FlaskForm) -> None:
        refuse_control_characters(self.data or "")


class YearField(IntegerField):
    """A year of the common era; one before it is negative (ISO 8601: year 0 is 1 BC)."""

    widget = LineInput()

    def process_formdata(self, valuelist: list[str]) -> None:
        typed = valuelist[0].strip().replace("−", "-") if valuelist else ""
        # Python's int would take "1_954" too, and refuses thousands of digits in words of its own.
        if typed and not re.fullmatch(r"[+-]?\d{1,99}", typed):
            raise ValueError("A year is a whole number, such as 1954 or -750.")
        self.data = int(typed) if typed else None


class Candidate(NamedTuple):
    """A record that fits what was typed: its value, and what tells it from the others."""

    value: str
    label: str
    hint: str = ""
    certain: bool = True  # One that is not, such as the offer to add a record, must be chosen.
    text: str = ""  # what a person would type for it, where that is not the label


class LookupField(LineField):
    """Text that names a record: taken where one fits, a choice where several do.

    The choice comes back beside the text, as NAME_choice, and as NAME_choice_for the text that it
    was drawn with; text that was changed since, or no longer fits the choice, wins.
    """

    def candidates(self, typed: str) -> Sequence[Candidate]:
        """The records that fit; a subclass says. Raises ValueError with what to do if none do."""
        raise NotImplementedError

    def text_of(self, record: Any) -> str:
        """What a person would type for a record; a subclass says."""
        raise NotImplementedError

    def value_of(self, record: Any) -> str:
        """The candidate's value that stands for a record."""
        return str(record)

    def parse(self, value: str) -> Any:
        """The data that a candidate's value stands for."""
        return value

    def question(self, certain: Sequence[Candidate]) -> str:
        """What is asked where it is not clear which record is meant."""
        how = "several. Choose one" if certain else "only in part. Choose what is meant"
        return f"“{self.typed.strip()}” fits {how}, or type more of it."

    @property
    def described(self) -> str:
        """What tells the record from another that the same text names; a subclass may say more."""
        return self.typed

    @property
    def carried(self) -> dict[str, str]:
        """What the form carries beside a choice, by key."""
        return {f"{self.name}_choice_for": self.typed}

    @property
    def companions(self) -> list[str]:
        """The keys that the form may send beside the text."""
        return [f"{self.name}_choice", *self.carried]

    def process(self, formdata: Any, *args: Any, **kwargs: Any) -> None:
        self.choices: Sequence[Candidate] = ()
        self.submitted = formdata or {}
        super().process(formdata, *args, **kwargs)

    def process_data(self, value: Any) -> None:
        self.typed = self.text_of(value) if value else ""
        self.chosen = self.value_of(value) if value else None
        self.data = self.parse(self.chosen) if self.chosen else None

    def process_formdata(self, valuelist: list[str]) -> None:
        self.typed = valuelist[0] if valuelist else self.typed
        self.chosen = self._choice_for(tidy_line(self.typed))
        self.data = None
        if line := tidy_line(self.typed):
            refuse_control_characters(line)
            refuse_excess(line, LONGEST_NAME)
            self.data = self.parse(self._pick(self.candidates(line)))

    def pre_validate(self, form: FlaskForm) -> None:
        """What was typed has been looked up already; the data need not be text."""

    def _choice_for(self, line: str) -> str | None:
        """The choice that was sent, unless it was drawn with another text."""
        drawn_with = self.submitted.get(f"{self.name}_choice_for")
        if drawn_with is not None and tidy_line(drawn_with) != line:
            return None
        choice: str | None = self.submitted.get(f"{self.name}_choice")
        return choice

    def _pick(self, candidates: Sequence[Candidate]) -> str:
        for candidate in candidates:
            if candidate.value == self.chosen:
                self.typed = candidate.text or candidate.label  # so that people see what they chose
                return candidate.value
        certain = [candidate for candidate in candidates if candidate.certain]
        if len(certain) == 1:
            return certain[0].value
        self.choices = candidates
        raise ValueError(self.question(certain))

    def _value(self) -> str:
        return self.typed


class BaseForm(FlaskForm):
    """A form that shows Problems at their fields; `status` is what its page is answered with."""

    stale = False
    expired = False  # its token was missing or another session's
    buttons = frozenset({"another"})

    class Meta(FlaskForm.Meta):
        """How forms read a request."""

        csrf = False  # As a field, a token is made with every form, also one that is never drawn.

        def wrap_formdata(self, form: FlaskForm, formdata: Any) -> Any:
            """Take what a form sent and nothing else: neither files nor JSON are text."""
            return request.form if formdata is not None and form.is_submitted() else None

    def validate(self, extra_validators: Any = None) -> bool:
        """Check what was typed; raises BadRequest for what no page of ours can have sent."""
        self._refuse_other_keys()
        self._look_at_token()
        return bool(super().validate(extra_validators)) and not self.expired

    def _look_at_token(self) -> None:
        try:
            validate_csrf(request.form.get(self.token_name))
        except ValidationError:
            self.expired = True
            log.warning("wrong token")

    def _refuse_other_keys(self) -> None:
        known = {field.name for field in self} | self.buttons | {self.token_name}
        for field in self:
            known |= set(getattr(field, "companions", ()))
        sent: list[tuple[str | None, Sequence[object]]]
        sent = [*request.form.lists(), *request.files.lists()]
        for key, values in sent:
            if not (key or "").startswith(self._prefix):
                continue  # what belongs to another form in the same request
            if key not in known:
                said = (key or "")[:80]  # a part of a multipart body need not have a name
                abort(400, f"This form has no field “{said}”. Nothing was saved.")
            if len(values) > 1:
                abort(400, f"The field “{key}” was sent twice. Nothing was saved.")

    @property
    def values(self) -> dict[str, Any]:
        """What was typed, by field, as the services take it."""
        return {field.name: field.data for field in self.visible}

    @property
    def visible(self) -> list[Field]:
        """The fields that a person fills in."""
        return [field for field in self if not isinstance(field, HiddenField)]

    @property
    def token_name(self) -> str:
        """The key of the form's token, which templates draw."""
        return f"{self._prefix}csrf_token"

    @property
    def status(self) -> int:
        """200 for a fresh form, 400 for an expired one, 409 for a stale one, else 422."""
        if self.stale:
            return 409
        if self.expired:
            return 400
        return 422 if self.errors else 200

    @property
    def first_invalid(self) -> Field | None:
        """The field where the person should go on."""
        return next((field for field in self.visible if field.errors), None)

    @contextmanager
    def showing_problems(self) -> Iterator[None]:
        """Undo what the block did when it meets a Problem, and show that at its field."""
        try:
            yield
        except Problem as problem:
            db.session.rollback()
            self.stale = isinstance(problem, Stale)
            errors = self[problem.field].errors if problem.field else self.form_errors
            errors.append(self.in_words(problem))

    def in_words(self, problem: Problem) -> str:
        """What a Problem means here; asked after the rollback, so that a subclass may read."""
        return problem.message


class RecordForm(BaseForm):
    """A form over a record, which carries the version that it was drawn from."""

    version = HiddenField()

    @property
    def drawn_from(self) -> int | None:
        """The version that the form was drawn from."""
        return parse_id(self.version.raw_data[0]) if self.version.raw_data else None

    def conflict_with(self, record: Record) -> Self | None:
        """The record as it now stands, where somebody saved it; saving again then replaces it."""
        if not self.stale:
            return None
        self.version.data = record.version
        return type(self)(formdata=None, obj=record)


def tidy_line(typed: str) -> str:
    """One line without white space at its ends or twice in a row; "" if nothing in it shows."""
    line = " ".join(typed.split())
    return line if any(_shows(character) for character in line) else ""


def _shows(character: str) -> bool:
    return character.isprintable() and character not in BLANK_LETTERS


def refuse_excess(typed: str, length: int) -> None:
    """Raise ValidationError for text that is longer than its column."""
    excess = len(typed) - length
    if excess > 0:
        raise ValidationError(f"This is {excess:,} characters too long; {length:,} fit.")


def refuse_control_characters(typed: str) -> None:
    """Raise ValidationError for characters that a database cannot store or a file cannot carry."""
    for character in typed:
        if unicodedata.category(character) in ("Cc", "Cs") and character not in "\n\t":
            message = f"Remove the invisible character U+{ord(character):04X}; it cannot be kept."
            raise ValidationError(message)
