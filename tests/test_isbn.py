"""ISBNs as people write them."""

import re
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stdnum import ean

from bookshelf.books.isbn import InvalidIsbn, hyphenate, normalise

NINE_DIGITS = st.text("0123456789", min_size=9, max_size=9)


def isbn_10(body: str) -> str:
    """The ISBN of 10 whose digits, weighted 10 to 1, add up to a multiple of 11."""
    check = -sum(weight * int(digit) for weight, digit in zip(range(10, 1, -1), body, strict=True))
    return body + "0123456789X"[check % 11]


def weighted_sum(isbn_13: str) -> int:
    return sum(int(digit) * (1, 3)[place % 2] for place, digit in enumerate(isbn_13))


@pytest.mark.parametrize(
    "written",
    [
        "9780261103573",
        "978-0-261-10357-3",
        " 978 0 261 10357 3 ",
        "978\u20130\u2011261\u221210357\u20143",
        "978\u00a00261103573\u200b",
        "９７８０２６１１０３５７３",
        "ISBN 978-0-261-10357-3.",
        "isbn: 9780261103573",
        "ISBN-13: 978-0-261-10357-3",
        "ISBN13:9780261103573",
        "ISBN (13) 9780261103573",
        "eISBN 9780261103573",
        "urn:isbn:9780261103573",
        "0261103571",
        "0-261-10357-1",
        "ISBN-10 0-261-10357-1",
        "ISBN 10: 0261103571",
    ],
)
def test_one_isbn_written_in_many_ways_is_the_same(written: str) -> None:
    assert normalise(written) == "9780261103573"


@pytest.mark.parametrize("written", ["0-8044-2957-X", "080442957x"])
def test_the_check_digit_of_an_isbn_of_10_may_be_x(written: str) -> None:
    assert normalise(written) == "9780804429573"


def test_the_newer_prefix_is_accepted() -> None:
    assert normalise("979-10-343-0463-9") == "9791034304639"


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ("97802", "has 10 or 13 digits, but this has 5."),
        ("978-0-261-10357", "but this has 12."),
        ("", "but this has 0."),
        ("ISBN", "but this has 0."),
        ("9780261103576", "check digit of 9780261103576 should be 3, not 6."),
        ("0-261-10357-2", "check digit of 0261103572 should be 1, not 2."),
        ("0804429570", "should be X, not 0."),
        ("4006381333931", "begins with 978 or 979, not with 400."),
        ("9790060115615", "979-0 are for printed music"),
        ("97802611O3573", "Remove “O”."),
        ("0261103571 (pbk.)", "Remove “P”, “B”, “K”."),
        ("978026110357X", "Remove “X”."),
        ("X261103571", "Remove “X”."),
        ("978٠261103573", "Remove “٠”."),
        ("abcdefgh", "Remove “A”, “B”, “C”, “D”, “E”."),
    ],
)
def test_a_wrong_isbn_is_refused_with_the_reason(written: str, message: str) -> None:
    with pytest.raises(InvalidIsbn, match=re.escape(message)):
        normalise(written)


@given(NINE_DIGITS)
def test_every_isbn_of_10_becomes_one_of_13_with_the_right_check_digit(body: str) -> None:
    normalised = normalise(isbn_10(body))
    assert normalised[:12] == "978" + body
    assert weighted_sum(normalised) % 10 == 0
    assert normalise(normalised) == normalised


@given(NINE_DIGITS)
def test_every_single_wrong_digit_is_refused(body: str) -> None:
    for number in (isbn_10(body), normalise(isbn_10(body))):
        for place, right in enumerate(number):
            for digit in set("0123456789") - {right}:
                with pytest.raises(InvalidIsbn):
                    normalise(number[:place] + digit + number[place + 1 :])


@given(st.text(st.characters(codec=None)))
def test_any_text_is_an_isbn_or_refused(text: str) -> None:
    with suppress(InvalidIsbn):
        assert ean.is_valid(normalise(text))


@pytest.mark.parametrize(
    ("number", "shown"),
    [
        ("9780261103573", "978-0-261-10357-3"),
        ("9780804429573", "978-0-8044-2957-3"),
        ("9791034304639", "979-10-343-0463-9"),
    ],
)
def test_an_isbn_is_shown_in_its_groups(number: str, shown: str) -> None:
    assert hyphenate(number) == shown


@given(NINE_DIGITS)
def test_what_is_shown_means_what_is_stored(body: str) -> None:
    stored = normalise(isbn_10(body))
    assert normalise(hyphenate(stored)) == stored
