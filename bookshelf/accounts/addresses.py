"""E-mail addresses in the one form in which they are stored, looked up and counted."""

from email_validator import EmailNotValidError, validate_email


def normalised(typed: str) -> str | None:
    """Return the address in small letters, its parts normalised; None if it is none (RFC 5321)."""
    try:
        found = validate_email(typed, check_deliverability=False, test_environment=True)
    except EmailNotValidError:
        return None
    return found.normalized.lower()
