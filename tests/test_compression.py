"""What travels compressed, and what does not."""

import gzip

import pytest
from conftest import style_sheet
from flask import Flask
from house import HousekeepingClient

from bookshelf.authors.services import create_author
from bookshelf.core.db import db

ASKED = {"Accept-Encoding": "gzip"}


def test_a_page_travels_compressed_and_is_the_same(client: HousekeepingClient) -> None:
    plain = client.get("/login")
    packed = client.get("/books/", headers=ASKED)
    assert "Content-Encoding" not in plain.headers
    assert packed.headers["Content-Encoding"] == "gzip"
    assert "Accept-Encoding" in packed.headers["Vary"]
    assert b"<h1>Books</h1>" in gzip.decompress(packed.data)


@pytest.mark.parametrize("way", ["zstd", "br"])
def test_styles_travel_by_the_best_way_that_the_browser_knows(
    way: str, app: Flask, client: HousekeepingClient
) -> None:
    packed = client.get(style_sheet(app), headers={"Accept-Encoding": f"gzip, deflate, {way}"})
    assert packed.headers["Content-Encoding"] == way
    assert "immutable" in packed.headers["Cache-Control"]


def test_what_another_site_asked_for_is_not_compressed(client: HousekeepingClient) -> None:
    """Its length would tell whether a guess in the address is also elsewhere on the page."""
    page = client.get("/books/?q=guess", headers=ASKED | {"Sec-Fetch-Site": "cross-site"})
    assert "Content-Encoding" not in page.headers
    assert "Accept-Encoding" in page.headers["Vary"]


def test_a_file_of_books_is_not_held_up_to_be_compressed(client: HousekeepingClient) -> None:
    file = client.get("/books/export.csv", headers=ASKED)
    assert file.mimetype == "text/csv"
    assert "Content-Encoding" not in file.headers


def test_what_a_picker_offers_is_too_little_to_pack(app: Flask, client: HousekeepingClient) -> None:
    """At every letter that somebody types, packing would take longer than it saves."""
    with app.app_context():
        for number in range(8):
            create_author(name=f"Mary Wollstonecraft Shelley {number}", country="GB")
        db.session.commit()
    offered = client.get("/books/authors?q=shelley", headers=ASKED | {"X-Partial": "1"})
    assert 1_500 < len(offered.data) < 2_000
    assert "Content-Encoding" not in offered.headers
    assert "Accept-Encoding" in offered.headers["Vary"]
