"""Who may do what: three roles, each of which may do all that the one before it may."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final


class Permission(StrEnum):
    """What a view asks of the person who opens it."""

    READ = "read"
    WRITE = "write"
    ADMINISTER = "administer"  # people, and the schema


class Role(StrEnum):
    """What a person is; the value is what is stored and shown."""

    VIEWER = "viewer"
    EDITOR = "editor"
    ADMINISTRATOR = "administrator"


_GRANTED: Final[Mapping[Role, frozenset[Permission]]] = {
    Role.VIEWER: frozenset({Permission.READ}),
    Role.EDITOR: frozenset({Permission.READ, Permission.WRITE}),
    Role.ADMINISTRATOR: frozenset(Permission),
}


def allows(role: str, permission: Permission) -> bool:
    """Say whether a role, by its stored name, has a permission; an unknown role has none."""
    return role in set(Role) and permission in _GRANTED[Role(role)]
