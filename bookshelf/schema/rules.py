"""Which rules of squawk matter here, what to do instead, and what landed before there were any."""

# Matters of taste, and the time-outs, which the runner sets.
LEFT_OUT = (
    "ban-char-field",
    "prefer-bigint-over-int",
    "prefer-bigint-over-smallint",
    "prefer-identity",
    "prefer-robust-stmts",
    "prefer-text-field",
    "prefer-timestamp-tz",
    "require-enum-value-ordering",
    "require-lock-timeout",
    "require-statement-timeout",
)
# Off unless asked for: nothing else sees what is dropped by a statement of one's own.
ASKED_FOR = (
    "ban-drop-domain",
    "ban-drop-extension",
    "ban-drop-function",
    "ban-drop-policy",
    "ban-drop-sequence",
    "ban-drop-type",
    "ban-drop-view",
)
# Squawk says it of many constraints of which it has more to say under one of these.
VAGUE = "constraint-missing-not-valid"
PRECISE = {
    "adding-foreign-key-constraint",
    "adding-serial-primary-key-field",
    "disallowed-unique-constraint",
}

LATER = "drop it in a release after the one whose code stopped naming it"
EXPAND = "add the new one, write both, copy, and drop the old one in a later release"
NOT_VALID = "add it with postgresql_not_valid=True, and VALIDATE CONSTRAINT in a later revision"
SAFE_WAY = {
    "adding-required-field": "make it nullable, or give it a constant server_default",
    "adding-not-nullable-field": (
        "add a check (... IS NOT NULL) with postgresql_not_valid=True, validate it in a later "
        "revision, then forbid NULL and drop the check"
    ),
    "adding-foreign-key-constraint": NOT_VALID,
    "ban-drop-column": LATER,
    "ban-drop-constraint": "be sure that the release that is running bears rows without it",
    "ban-drop-not-null": "be sure that the release that is running bears an empty value",
    "ban-drop-table": LATER,
    "changing-column-type": f"only a longer text is safe; else {EXPAND}",
    "constraint-missing-not-valid": NOT_VALID,
    "disallowed-unique-constraint": (
        "build a unique index by op.create_index_concurrently, and add the constraint USING it "
        "in a later revision"
    ),
    "renaming-column": EXPAND,
    "renaming-table": EXPAND,
    "require-concurrent-index-creation": "op.create_index_concurrently, alone in its revision",
    "require-concurrent-index-deletion": "op.drop_index_concurrently, alone in its revision",
}

SMALL = "it ran while shelves were small, before there was a lint"
# Revisions that had landed are frozen, so their exceptions stand here; new ones have `lint_ok`.
LANDED: dict[str, dict[str, str]] = {
    "0003": {
        "adding-not-nullable-field": SMALL,
        "changing-column-type": "a longer text: PostgreSQL rewrites nothing",
        "disallowed-unique-constraint": "the column is new, and empty in every row",
        "require-concurrent-index-creation": SMALL,
    }
}
