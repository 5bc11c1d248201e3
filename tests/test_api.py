"""The catalogue as JSON: its shapes, its pages, its errors."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from house import HousekeepingClient as Client
from werkzeug.test import TestResponse

from bookshelf.authors.services import create_author
from bookshelf.books.services import create_book
from bookshelf.core.keyset import encode

COLLECTIONS = ("/api/authors", "/api/books", "/api/authors/1/books")
PROBLEM = {"type", "title", "status", "detail"}


@pytest.fixture
def shelf(client: Client) -> None:
    """Author 1 of book 1, about whom all is known, and author 2 of book 2, of whom nothing is."""
    ann = create_author(name="Çelik Ann 📚", bio="“Ünï”\n<i>", country="SUHH")
    full = {"isbn": "9780261103283", "year": -750, "publisher": "Ø & Co", "language": "yor"}
    create_book(title="Ìwé", author=ann.id, **full)  # type: ignore[arg-type]
    create_book(title="Plain", author=create_author(name="Bo").id)


def pages_from(client: Client, url: str | None, onwards: str) -> Iterator[list[str]]:
    """What the items of a page are called, and those of all pages that its links lead on to."""
    while url:
        page = client.get(url).get_json()
        assert page.keys() == {"items", "links"}
        assert page["links"].keys() == {"self", "previous", "next"}
        yield [item.get("name") or item["title"] for item in page["items"]]
        url = page["links"][onwards]


def assert_problem(answer: TestResponse, status: int) -> dict[str, Any]:
    assert answer.status_code == status
    assert answer.mimetype == "application/problem+json"
    problem: dict[str, Any] = answer.get_json()
    assert problem.keys() == PROBLEM
    assert problem["status"] == status
    assert problem["detail"]
    return problem


@pytest.mark.usefixtures("shelf")
def test_an_author_has_this_shape(client: Client) -> None:
    author = client.get("/api/authors/1").get_json()
    created_at = datetime.fromisoformat(author.pop("created_at"))
    assert created_at.utcoffset() == timedelta(0)
    assert author == {
        "id": 1,
        "name": "Çelik Ann 📚",
        "sort_name": "📚, Çelik Ann",
        "bio": "“Ünï”\n<i>",
        "country": {"code": "SUHH", "name": "Soviet Union"},
        "links": {
            "self": "/api/authors/1",
            "books": "/api/authors/1/books",
            "page": "/authors/1",
        },
    }


@pytest.mark.usefixtures("shelf")
def test_a_book_has_this_shape(client: Client) -> None:
    book = client.get("/api/books/1").get_json()
    created_at = datetime.fromisoformat(book.pop("created_at"))
    assert created_at.utcoffset() == timedelta(0)
    assert book == {
        "id": 1,
        "title": "Ìwé",
        "author": {"id": 1, "name": "Çelik Ann 📚"},
        "isbn": "9780261103283",
        "year": -750,
        "publisher": "Ø & Co",
        "language": {"code": "yor", "name": "Yoruba"},
        "links": {"self": "/api/books/1", "author": "/api/authors/1", "page": "/books/1"},
    }


@pytest.mark.usefixtures("shelf")
def test_what_is_unknown_is_null(client: Client) -> None:
    book, author = (client.get(f"/api/{kind}/2").get_json() for kind in ("books", "authors"))
    assert [book[name] for name in ("isbn", "year", "publisher", "language")] == [None] * 4
    assert (author["country"], author["bio"]) == (None, None)


@pytest.mark.usefixtures("shelf")
def test_lists_hold_what_stands_at_their_items(client: Client) -> None:
    for path in COLLECTIONS:
        page = client.get(path).get_json()
        assert page["links"] == {"self": path, "previous": None, "next": None}
        for item in page["items"]:
            assert client.get(item["links"]["self"]).get_json() == item
    books = client.get("/api/authors/1/books").get_json()["items"]
    assert [book["title"] for book in books] == ["Ìwé"]


@pytest.mark.usefixtures("shelf")
@pytest.mark.parametrize("path", [*COLLECTIONS, "/api/authors/1", "/api/books/1"])
def test_every_link_leads_somewhere_with_and_without_a_slash(client: Client, path: str) -> None:
    plain, slashed = client.get(path), client.get(f"{path}/")
    assert plain.status_code == slashed.status_code == 200
    assert plain.mimetype == slashed.mimetype == "application/json"
    links = [plain.get_json()["links"], *(i["links"] for i in plain.get_json().get("items", []))]
    for url in (url for found in links for url in found.values() if url):
        assert client.get(url).status_code == 200


@pytest.mark.usefixtures("shelf")
def test_text_arrives_as_it_was_typed(client: Client) -> None:
    assert client.get("/api/books/1").get_json()["title"] == "Ìwé"
    names = [item["name"] for item in client.get("/api/authors/").get_json()["items"]]
    assert names == ["Bo", "Çelik Ann 📚"]


def test_an_empty_catalogue_is_an_empty_page(client: Client) -> None:
    for path in COLLECTIONS[:2]:
        page = client.get(path).get_json()
        assert page["items"] == []
        assert page["links"]["next"] is page["links"]["previous"] is None


def test_pages_of_50_hold_everything_once_both_ways(client: Client) -> None:
    authors = [create_author(name=f"N{number:03}").id for number in range(101)]
    create_book(title="Strange", author=authors[1])
    for number in range(100):
        create_book(title=f"T{number:03}", author=authors[0])
    expected = {
        "/api/authors": [f"N{number:03}" for number in range(101)],
        "/api/books": ["Strange", *(f"T{number:03}" for number in range(100))],
        f"/api/authors/{authors[0]}/books": [f"T{number:03}" for number in range(100)],
    }
    for path, names in expected.items():
        whole = [names[start : start + 50] for start in range(0, len(names), 50)]
        assert list(pages_from(client, path, "next")) == whole
        before_the_end = f"{path}?before={encode(['~', 2**31])}"
        assert list(pages_from(client, before_the_end, "previous"))[-1] == names[:50]
        second = client.get(client.get(path).get_json()["links"]["next"]).get_json()["links"]
        assert list(pages_from(client, second["previous"], "next")) == whole


@pytest.mark.usefixtures("shelf")
@pytest.mark.parametrize(
    "path", ["authors/3", "authors/3/books", "books/3", "books/3/", "nothing", "authors/x"]
)
def test_what_is_not_there_is_a_problem_in_json(client: Client, path: str) -> None:
    problem = assert_problem(client.get(f"/api/{path}"), 404)
    assert (problem["type"], problem["title"]) == ("about:blank", "Not Found")


@pytest.mark.usefixtures("shelf")
@pytest.mark.parametrize("cursor", ["", "x", "bm90aGluZw", encode([1]), encode([None, 1]), "%00"])
def test_an_unknown_cursor_is_a_problem_in_json(client: Client, cursor: str) -> None:
    for path in COLLECTIONS:
        for name in ("after", "before"):
            problem = assert_problem(client.get(f"{path}?{name}={cursor}"), 400)
            assert "was not given out by this list" in problem["detail"]


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_the_json_is_read_only_and_says_what_is_allowed(client: Client, method: str) -> None:
    for path in (*COLLECTIONS, "/api/books/1"):
        answer = client.open(path, method=method)
        assert_problem(answer, 405)
        assert set(answer.headers["Allow"].split(", ")) == {"GET", "HEAD", "OPTIONS"}
