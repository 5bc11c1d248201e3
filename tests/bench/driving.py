"""Somebody who asks for pages, one after another on one connection, and looks at the clock."""

import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from http.client import HTTPConnection, HTTPException, HTTPResponse
from statistics import median, quantiles
from types import MappingProxyType
from typing import NamedTuple, Self
from urllib.parse import urlencode

from house import form_of

from bench.filling import EMAIL, PASSWORD

# What a browser says that it reads.
HEADERS = {"Accept-Encoding": "gzip, deflate, br", "Accept": "text/html"}
FORM = "application/x-www-form-urlencoded"


class Sent(NamedTuple):
    """A request: a path to get, or a form to send to it; `headers` are those of scripts."""

    path: str
    typed: dict[str, str] | None = None
    headers: Mapping[str, str] = MappingProxyType({})


Sending = Callable[["Visitor", int], Iterator[Sent]]


class Times(NamedTuple):
    """How long each request took, in seconds, in the order in which they were asked."""

    seconds: Sequence[float]

    @property
    def median(self) -> float:
        """In milliseconds."""
        return median(self.seconds) * 1000

    @property
    def p95(self) -> float:
        """In milliseconds; of a single request, that one."""
        several = len(self.seconds) > 1
        return (quantiles(self.seconds, n=20)[-1] if several else self.seconds[0]) * 1000

    def over(self, other: "Times") -> float:
        """How many times as long as what was asked in turn with it: the median of the pairs.

        The two of a pair meet the machine at one speed. Over a machine that changes it meanwhile,
        the median of the one may be of its quick time, and that of the other of its slow one.
        """
        pairs = zip(self.seconds, other.seconds, strict=True)
        return median(own / others for own, others in pairs)


class Visitor:
    """A browser's connection, signed in once `sign_in` was called or a cookie was given."""

    def __init__(self, port: int, cookie: str = "") -> None:
        self.connection = HTTPConnection("127.0.0.1", port, timeout=60)
        self.cookie = cookie

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *raised: object) -> None:
        self.connection.close()

    def sign_in(self) -> None:
        """Sign in as a person does."""
        typed = form_of(self.page("/login")) | {"email": EMAIL, "password": PASSWORD}
        assert self.ask(Sent("/login", typed)).status == 302, "could not sign in"

    def page(self, path: str) -> str:
        """The text of a page, as it is before any packing."""
        self.ask(Sent(path), {"Accept": "text/html"})
        return self.body.decode()

    def ask(self, sent: Sent, headers: dict[str, str] = HEADERS) -> HTTPResponse:
        """Send a request and read the answer, again where the server had closed what lay idle."""
        try:
            return self._ask(sent, headers)
        except (HTTPException, ConnectionError):
            self.connection.close()
            return self._ask(sent, headers)

    def _ask(self, sent: Sent, headers: dict[str, str]) -> HTTPResponse:
        response = self.begin(sent, headers)
        self.body = response.read()
        return response

    def begin(self, sent: Sent, headers: Mapping[str, str] = HEADERS) -> HTTPResponse:
        """Send a request; the answer is there to be read."""
        method = "GET" if sent.typed is None else "POST"
        body = None if sent.typed is None else urlencode(sent.typed)
        more = {"Cookie": self.cookie, **sent.headers}
        if body is not None:
            more["Content-Type"] = FORM
        self.connection.request(method, sent.path, body, {**headers, **more})
        response = self.connection.getresponse()
        if set_cookie := response.headers.get("Set-Cookie"):
            self.cookie = set_cookie.split(";")[0]
        return response

    def time(self, sent: Sent) -> float:
        """How many seconds an answer takes, which must be a page, or lead on to one.

        What a save says is forgotten, as a browser would have shown it on the page that follows.
        """
        cookie, began = self.cookie, time.perf_counter()
        response = self.ask(sent)
        seconds, self.cookie = time.perf_counter() - began, cookie
        wanted = 200 if sent.typed is None else 302
        assert response.status == wanted, f"{sent.path}: {response.status}"
        return seconds


class Asked(NamedTuple):
    """Who asks, and what, without an end."""

    visitor: Visitor
    sending: Iterator[Sent]


def in_turn(asked: Sequence[Asked], seconds: float) -> list[Times]:
    """One client asks all in turn, so that what disturbs the machine disturbs all alike."""
    measured: list[list[float]] = [[] for _ in asked]
    for visitor, sending in [*asked, *asked]:  # what is met for the first time is not measured
        visitor.time(next(sending))
    deadline = time.perf_counter() + seconds
    while time.perf_counter() < deadline or len(measured[0]) < 5:
        for times, (visitor, sending) in zip(measured, asked, strict=True):
            times.append(visitor.time(next(sending)))
    return [Times(times) for times in measured]


def together(sending: Sending, visitors: list[Visitor], seconds: float) -> Times:
    """Several clients at once, each as quickly as it is answered."""
    measured: list[float] = []
    failures: list[BaseException] = []

    def drive(visitor: Visitor, requests: Iterator[Sent]) -> None:
        try:
            while time.perf_counter() < deadline:
                measured.append(visitor.time(next(requests)))
        except (AssertionError, OSError) as failure:
            failures.append(failure)

    requests = [sending(visitor, number) for number, visitor in enumerate(visitors)]
    deadline = time.perf_counter() + seconds
    pairs = zip(visitors, requests, strict=True)
    threads = [threading.Thread(target=drive, args=pair) for pair in pairs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures, failures
    return Times(measured)


def version_in(html: str) -> int:
    """The version that a form was drawn from."""
    found = re.search(r'name="version"[^>]*value="(\d+)"', html)
    assert found, "a form without a version"
    return int(found[1])
