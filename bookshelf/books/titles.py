"""Where a title stands in a list: under its first word that is not an article."""

import re
from typing import Final

from bookshelf.core.text import sort_key

# Initial articles by ISO 639-3; an apostrophe belongs to the article ("l'"), save one before it.
# Source: MARC 21 Bibliographic, Appendix F; only the forms that begin a title as its subject.
_ARTICLES: Final = {
    language: frozenset(articles.split())
    for language, articles in {
        "afr": "die 'n",
        "cat": "el els en l' la les lo los na n' un una",
        "dan": "de den det en et",
        "deu": "das der die ein eine",
        "eng": "a an the",
        "epo": "la l'",
        "fra": "l' la le les un une",
        "gla": "a' am an na",
        "gle": "an na",
        "glg": "a as o os un unha",
        "hun": "a az egy",
        "ita": "gl' gli i il l' la le lo un un' una uno",
        "nld": "'n 't de een eene het",
        "nno": "dei den det ei ein eit",
        "nob": "de den det ei en et",
        "nor": "de dei den det ei ein eit en et",
        "oci": "l' la las le les lo los un una",
        "por": "a as o os um uma",
        "ron": "o un",
        "spa": "el la las lo los un una",
        "swe": "de den det en ett",
    }.items()
}

# Quotation marks or brackets, then what may be an article; "A-Z" and "A.I." begin with none.
_ARTICLE: Final = re.compile(r"[^\w'’]*(['’]?\w+(?:['’]|(?=\s)))")


def title_key(title: str, language: str | None) -> str:
    """Return the sort key of a title with its leading article last: "two towers the".

    `language` is a code of ISO 639-3; without one the title counts as English. Whether the word
    is meant as an article is not known: "A is for Alibi" stands under "is".
    """
    articles = _ARTICLES.get(language or "eng", frozenset())
    if first := _ARTICLE.match(title):
        word = first[1].replace("’", "'").casefold()
        # The apostrophe in front may be Dutch ("'t") or open a quotation ("'The Raven'").
        if not articles.isdisjoint((word, word.lstrip("'"))):
            return sort_key(f"{title[first.end() :]} {word}")
    return sort_key(title)


def possible_keys(typed: str) -> list[str]:
    """Return the sort keys that a title which was typed so may have, whatever its language."""
    keys = (title_key(typed, language) for language in _ARTICLES)
    return list(dict.fromkeys([sort_key(typed), *keys]))
