"""How much a browser fetches for its first list: the page, and what the page names."""

import re
from typing import NamedTuple

from bench.driving import Sent, Visitor

NAMED = re.compile(r'<(?:link|script|img)\b[^>]*\b(?:href|src)="([^"]+)"')


class Weight(NamedTuple):
    """Bytes as sent, packed, and how many requests bring them."""

    html: int
    styles_and_scripts: int
    requests: int


def weighed(visitor: Visitor, path: str) -> Weight:
    """Fetch a page and what it names, each file once."""
    named = set(NAMED.findall(visitor.page(path)))
    sizes = {name: _size(visitor, name) for name in (path, *named)}
    code = sum(size for name, size in sizes.items() if name.endswith((".css", ".js")))
    return Weight(sizes[path], code, len(sizes))


def _size(visitor: Visitor, path: str) -> int:
    assert visitor.ask(Sent(path)).status == 200, path
    return len(visitor.body)
