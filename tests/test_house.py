"""The house rules as tests, each of which is shown to catch a planted fault."""

import ast
import re
import subprocess
import sys
import tomllib
import warnings
from collections.abc import Callable, Iterator, Mapping
from importlib import metadata
from pathlib import Path, PurePath

import pytest
from house import check_page
from jinja2 import Environment, meta
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent
LONGEST_FUNCTION, LONGEST_MODULE = 40, 350  # lines

Rule = Callable[[PurePath, str], Iterator[str]]


def creates_no_tables(path: PurePath, source: str) -> Iterator[str]:
    """The schema is built by migrating, in the tests too."""
    if re.search(r"\bcreate_all\b", source):
        yield "creates tables"


def commits_in_views_and_commands(path: PurePath, source: str) -> Iterator[str]:
    """A reader sees where work becomes permanent."""
    if ".commit(" in source and path.name not in ("views.py", "cli.py"):
        yield "commits"


def knows_no_http_inside(path: PurePath, source: str) -> Iterator[str]:
    """What may be called by a command, an import or a test needs no request."""
    if path.name in ("models.py", "queries.py", "services.py"):
        found = set(imports(source, "flask", "flask_*", "bookshelf.web"))
        # What a person must be able to say of themselves, the library of the sessions decides.
        yield from found - ({"flask_security"} if path.name == "models.py" else set())


def knows_no_http_in_core(path: PurePath, source: str) -> Iterator[str]:
    """Only the module of the database knows the extensions that carry it."""
    if "core" in path.parts:
        allowed = {"flask_sqlalchemy", "flask_migrate"} if path.name == "db.py" else set()
        yield from set(imports(source, "flask", "flask_*")) - allowed


def gets_its_settings(path: PurePath, source: str) -> Iterator[str]:
    """The application is handed its settings, and never fetches them."""
    yield from imports(source, "config", "wsgi")


def is_short(path: PurePath, source: str) -> Iterator[str]:
    """A function fits a screen, a module a sitting."""
    if source.count("\n") > LONGEST_MODULE:
        yield "is too long"
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = (node.end_lineno or 0) - node.lineno + 1
            if lines > LONGEST_FUNCTION:
                yield f"{node.name} has {lines} lines"


def says_what_it_is_for(path: PurePath, source: str) -> Iterator[str]:
    """The first paragraph of a module is a sentence."""
    docstring = ast.get_docstring(ast.parse(source)) or ""
    if not docstring.split("\n\n")[0].endswith("."):
        yield "does not begin with a sentence"


def imports(source: str, *banned: str) -> Iterator[str]:
    """The banned modules that some code imports, wherever in it; * stands for any ending."""
    for node in ast.walk(ast.parse(source)):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        for name in names:
            for ban in banned:
                pattern = re.escape(ban).replace(r"\*", r"\w*") + r"(?=\.|$)"
                if found := re.match(pattern, name):
                    yield found.group()


CODE_RULES: dict[Rule, str] = {
    creates_no_tables: "bookshelf migrations tests",
    commits_in_views_and_commands: "bookshelf",
    knows_no_http_inside: "bookshelf",
    knows_no_http_in_core: "bookshelf",
    gets_its_settings: "bookshelf",
    is_short: "bookshelf",
    says_what_it_is_for: "bookshelf tests",
}

SAID = '"""What it is for."""\n'
CODE_FAULTS: list[tuple[Rule, str, str]] = [
    (creates_no_tables, "tests/test_x.py", "db.create_all()"),
    (creates_no_tables, "tests/test_x.py", "Model.metadata.create_all(engine)"),
    (commits_in_views_and_commands, "bookshelf/books/services.py", "db.session.commit()"),
    (knows_no_http_inside, "bookshelf/books/services.py", "from flask import request"),
    (knows_no_http_inside, "bookshelf/books/models.py", "def f():\n    import flask.json"),
    (knows_no_http_inside, "bookshelf/accounts/services.py", "import flask_security"),
    (knows_no_http_inside, "bookshelf/books/queries.py", "from bookshelf.web import lists"),
    (knows_no_http_inside, "bookshelf/books/queries.py", "from bookshelf import web"),
    (knows_no_http_in_core, "bookshelf/core/text.py", "import flask"),
    (knows_no_http_in_core, "bookshelf/core/text.py", "from flask_migrate import Migrate"),
    (knows_no_http_in_core, "bookshelf/core/db.py", "from flask import g"),
    (gets_its_settings, "bookshelf/app.py", "from config import Config"),
    (gets_its_settings, "bookshelf/app.py", "import wsgi"),
    (is_short, "bookshelf/app.py", "def f():\n" + "    f()\n" * LONGEST_FUNCTION),
    (is_short, "bookshelf/app.py", "x = 1\n" * (LONGEST_MODULE + 1)),
    (says_what_it_is_for, "bookshelf/app.py", "x = 1"),
    (says_what_it_is_for, "bookshelf/app.py", '"""The application"""'),
]


@pytest.mark.parametrize("rule", CODE_RULES, ids=lambda rule: rule.__name__)
def test_all_code_keeps_the_rule(rule: Rule) -> None:
    files = [file for top in CODE_RULES[rule].split() for file in (ROOT / top).rglob("*.py")]
    assert len(files) > 10
    assert not [
        f"{file.relative_to(ROOT)}: {fault}"
        for file in files
        if file != Path(__file__)
        for fault in rule(file.relative_to(ROOT), file.read_text(encoding="utf-8"))
    ]


@pytest.mark.parametrize(("rule", "path", "fault"), CODE_FAULTS)
def test_a_rule_catches_a_planted_fault(rule: Rule, path: str, fault: str) -> None:
    assert list(rule(PurePath(path), fault))


def test_what_the_rules_allow_is_not_a_fault() -> None:
    assert not list(commits_in_views_and_commands(PurePath("books/views.py"), "x.commit()"))
    database = "from flask_sqlalchemy import SQLAlchemy\nfrom flask_migrate import Migrate"
    assert not list(knows_no_http_in_core(PurePath("bookshelf/core/db.py"), database))
    assert not list(gets_its_settings(PurePath("x.py"), "from logging.config import fileConfig"))
    assert not list(says_what_it_is_for(PurePath("x.py"), SAID))


MARKUP = re.compile(
    r"""(?P<style>[\s({,'"]style\s*=|<style)|(?P<script>[\s({,]on[a-z]+\s*=|<script(?![^>]*\ssrc=))"""
    r"""|(?P<unescaped>\|\s*safe\b|autoescape\s+false)"""
)


def faults_in_template(source: str) -> list[str]:
    """What a template may not hold: style, script, text that is not escaped."""
    without_logic = re.sub(r"\{#.*?#\}|\{%-?\s*set\b.*?%\}", "", source, flags=re.DOTALL)
    return [found.group() for found in MARKUP.finditer(without_logic)]


def templates() -> dict[str, str]:
    """Every template by its name."""
    folder = ROOT / "templates"
    files = [file for file in folder.rglob("*") if file.is_file()]
    return {file.relative_to(folder).as_posix(): file.read_text("utf-8") for file in files}


def unreachable(sources: Mapping[str, str], code: str) -> set[str]:
    """The templates that no view renders, nor any template that one does."""
    strings = {node.value for node in ast.walk(ast.parse(code)) if isinstance(node, ast.Constant)}
    environment = Environment(extensions=["jinja2.ext.do"], autoescape=True)
    waiting, reached = [name for name in sources if name in strings], set[str]()
    while waiting:
        reached.add(name := waiting.pop())
        used = meta.find_referenced_templates(environment.parse(sources[name]))
        waiting += [other for other in used if other and other not in reached]
    return set(sources) - reached


@pytest.mark.parametrize("name", templates())
def test_a_template_holds_neither_style_nor_script(name: str) -> None:
    assert faults_in_template(templates()[name]) == []


@pytest.mark.parametrize(
    "fault",
    [
        '<p style="color: red">',
        '<p title="x"style="color: red">',
        "<style>p {}</style>",
        '<a href="#" onclick="f()">',
        '{{ field(onchange="f()") }}',
        "<script>f()</script>",
        '<script type="module">f()</script>',
        "{{ author.bio|safe }}",
        "{{ author.bio | safe }}",
        "{% autoescape false %}",
    ],
)
def test_a_fault_in_a_template_is_caught(fault: str) -> None:
    assert faults_in_template(fault)


def test_every_template_is_used() -> None:
    code = "\n".join(file.read_text("utf-8") for file in (ROOT / "bookshelf").rglob("*.py"))
    assert unreachable(templates(), code) == set()


def test_a_template_that_nothing_uses_is_found() -> None:
    sources = {
        "page.html": '{% extends "base.html" %}{% from "macros.html" import x %}',
        "base.html": '{% include "_part.html" %}',
        "macros.html": "",
        "_part.html": "",
        "old.html": '{% include "_old.html" %}',
        "_old.html": "",
    }
    assert unreachable(sources, 'render_template("page.html")') == {"old.html", "_old.html"}


SOUND = """<!doctype html><html lang="en"><head><title>Shelf</title></head><body>
<form method="post"><input type="hidden" name="csrf_token" value="t">
<label for="name">Name</label><input id="name" name="name" aria-describedby="hint">
<p id="hint">As on the cover</p></form></body></html>"""


def test_a_sound_page_is_let_through() -> None:
    check_page(SOUND)


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("<title>Shelf</title>", "", "title"),
        ("Shelf", " ", "title"),
        ('id="hint"', 'id="name"', "twice"),
        ('for="name"', 'for="other"', "without a label"),
        ("csrf_token", "token", "token"),
        ("<p ", '<p style="color: red" ', "style"),
        ("</head>", "<style>p {}</style></head>", "style"),
        ("<p ", '<p onclick="f()" ', "script"),
        ("</body>", "<script>f()</script></body>", "script"),
        ('"hint"', '"nothing"', "points to nothing"),
        ("</p>", "", "closes"),
        ("</html>", "", "never closed"),
    ],
)
def test_a_fault_in_a_page_is_caught(old: str, new: str, complaint: str) -> None:
    assert old in SOUND
    with pytest.raises(AssertionError, match=complaint):
        check_page(SOUND.replace(old, new, 1))


def test_a_warning_is_an_error() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    assert "error" in settings["tool"]["pytest"]["ini_options"]["filterwarnings"]
    with pytest.raises(UserWarning, match="planted"):
        warnings.warn("planted", stacklevel=1)


def requirements(name: str) -> list[str]:
    """The lines of a file of requirements that ask for something."""
    lines = (ROOT / name).read_text("utf-8").splitlines()
    return [line for line in lines if line and not line.startswith("#")]


def pinned(*files: str) -> dict[str, str]:
    """The version of each package; a line that does not pin one raises AssertionError."""
    lines = [line for file in files for line in requirements(file) if not line.startswith("-r ")]
    for line in lines:
        name_and_version = line.partition("; ")[0]  # what follows says for which Python
        assert re.fullmatch(r"[\w.-]+(\[[\w,]+\])?==[\w.]+", name_and_version), (
            f"not pinned: {line}"
        )
    requirement = [Requirement(line) for line in lines]
    return {
        canonicalize_name(found.name): str(found.specifier).removeprefix("==")
        for found in requirement
    }


BOTH = ("requirements.txt", "requirements-dev.txt")


def test_the_packages_of_the_design_are_named() -> None:
    card = "flask flask-sqlalchemy flask-migrate alembic psycopg2-binary jinja2 wtforms pytest"
    assert set(card.split()) <= pinned("requirements.txt").keys()


def test_every_package_that_runs_here_is_the_one_that_is_pinned() -> None:
    here = {name: metadata.version(name) for name in pinned(*BOTH)}
    assert here == pinned(*BOTH)


@pytest.mark.parametrize("files", [BOTH[:1], BOTH], ids=["running", "testing"])
def test_what_a_package_brings_with_it_is_pinned_too(files: tuple[str, ...]) -> None:
    known = pinned(*files)
    assert not {
        f"{name} brings {needed.name}"
        for name in known
        for needed in map(Requirement, metadata.requires(name) or ())
        if needed.marker is None or needed.marker.evaluate({"extra": ""})
        if canonicalize_name(needed.name) not in known
    }


@pytest.mark.parametrize(
    "line", ["flask", "flask>=3.1", "flask==3.*", "-e .", "./flask", "flask; x"]
)
def test_a_package_that_is_not_pinned_is_caught(
    line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "planted.txt").write_text(f"alembic==1.20.1\n{line}\n")
    monkeypatch.setattr(sys.modules[__name__], "ROOT", tmp_path)
    with pytest.raises(AssertionError, match="not pinned"):
        pinned("planted.txt")


def lint_imports(folder: Path) -> subprocess.CompletedProcess[str]:
    """The import contract, checked in a copy of the project."""
    program = Path(sys.executable).parent / "lint-imports"
    return subprocess.run(
        [program, "--no-cache"], cwd=folder, capture_output=True, text=True, check=False
    )


def test_the_import_contract_is_kept(checkout: Path) -> None:
    result = lint_imports(checkout)
    assert result.returncode == 0, result.stdout


@pytest.mark.parametrize(
    ("path", "code", "complaint"),
    [
        ("core/planted.py", "import bookshelf.web.forms", "core is not allowed to import"),
        ("authors/planted.py", "from bookshelf.books import isbn", "authors is not allowed to"),
        ("api/planted.py", "import bookshelf.dashboard.views", "api is not allowed to import"),
        ("stray/__init__.py", "", "bookshelf.stray"),
    ],
)
def test_the_import_contract_catches(path: str, code: str, complaint: str, checkout: Path) -> None:
    planted = checkout / "bookshelf" / path
    planted.parent.mkdir(exist_ok=True)
    planted.write_text(f"{code}\n")
    result = lint_imports(checkout)
    assert result.returncode == 1
    assert complaint in " ".join(result.stdout.split())
    assert "planted" in result.stdout or "stray" in result.stdout
