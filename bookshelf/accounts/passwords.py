"""Passwords: long enough, not among the commonest, and stored as Argon2id hashes."""

import unicodedata
from collections.abc import Container
from functools import cache
from typing import Any

from flask_security import hash_password, verify_and_update_password

from bookshelf.accounts.models import User
from bookshelf.core.db import db
from bookshelf.core.problems import Problem

SHORTEST, LONGEST = 8, 128  # characters; NIST SP 800-63B asks for 8 and for at least 64

# At least OWASP's 19 MiB, two passes and one lane (Password Storage Cheat Sheet). The hash depends
# on no key of ours, so that SECRET_KEY can be replaced without anybody losing a password.
HASHING: dict[str, Any] = {
    "SECURITY_PASSWORD_HASH": "argon2",
    "SECURITY_PASSWORD_SCHEMES": ["argon2"],
    "SECURITY_DEPRECATED_PASSWORD_SCHEMES": [],
    "SECURITY_PASSWORD_SINGLE_HASH": True,
    "SECURITY_PASSWORD_HASH_PASSLIB_OPTIONS": {
        "argon2__type": "ID",
        "argon2__memory_cost": 19_456,  # KiB
        "argon2__time_cost": 2,
        "argon2__parallelism": 1,
    },
}


def hashed(password: str) -> str:
    """The hash of a new password; raises Problem for one that is too short, too long or common.

    Any character counts, and none is asked for. Common are the 30,000 that zxcvbn lists.
    """
    plain = _normal(password)
    if not SHORTEST <= len(plain) <= LONGEST:
        said = f"A password has {SHORTEST} to {LONGEST} characters; this has {len(password):,}."
        raise Problem(said, "password")
    if plain.lower() in _commonest():
        raise Problem("This is one of the commonest passwords. Choose another.", "password")
    return str(hash_password(plain))


def verify(password: str, stored: str | None) -> tuple[bool, str | None]:
    """Whether a password fits a hash, which takes as long where there is none.

    Beside it, a hash of today's parameters in place of a weaker one.
    """
    plain, checked = _normal(password), User(password=stored or nobodys())
    valid = verify_and_update_password(plain[:LONGEST], checked)
    if checked in db.session:  # where the library puts what it has hashed anew
        db.session.expunge(checked)
    renewed = checked.password if checked.password != stored else None
    fits = bool(valid) and stored is not None and len(plain) <= LONGEST
    return fits, renewed if fits else None


@cache
def nobodys() -> str:
    """A hash that is verified where there is nobody."""
    return str(hash_password("of nobody"))


def _commonest() -> Container[str]:
    """The commonest passwords, read when one is chosen: a worker holds 12 MB less until then."""
    from zxcvbn.matching import RANKED_DICTIONARIES

    passwords: Container[str] = RANKED_DICTIONARIES["passwords"]
    return passwords


def _normal(password: str) -> str:
    """The same for each way in which a keyboard may compose a letter (RFC 8265).

    What is far too long stays as it is: normalising takes a time that grows with its square.
    """
    too_long = len(password) > 4 * LONGEST
    return password if too_long else unicodedata.normalize("NFC", password)
