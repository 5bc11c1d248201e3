"""The bench runs, over a shelf so small that its figures mean nothing."""

import re
from math import inf
from pathlib import Path

import pytest
from bench import growing
from bench.__main__ import main
from bench.beside import PEERS
from bench.driving import Times
from bench.filling import filled


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_every_line_is_measured_beside_its_limit(kind: str, tmp_path: Path) -> None:
    report = tmp_path / "performance.md"
    small = f"--size tiny --databases {kind} --seconds 0.05 --clients 2 --loading --peers"
    main([*small.split(), "--output", str(report)])
    written = report.read_text()
    rows = re.findall(r"^\| ([^|]+) \| ([\d.]+) \| [\d.]+ \| ([\d.]+) \|", written, re.MULTILINE)
    names = [name for name, _, _ in rows]
    for name in ("Books, first page", "Search, rare word", "Create an author", "Add-book form"):
        assert name in names
    assert all(float(ours) > 0 < float(limit) for _, ours, limit in rows)
    assert re.search(r"KB of HTML, [1-9][\d.]+ KB of CSS and script, in 5 requests\.", written)
    assert "Cold start" in written
    assert len(re.findall(r"^\| [^|]+ \|( \d+\.\d\d \|){3}$", written, re.MULTILINE)) == len(
        PEERS[0].paths
    )
    assert ("COPY alone" in written) == (kind == "postgresql")


@pytest.mark.slow
def test_every_page_is_held_beside_itself_over_another_shelf(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(growing, "ROUNDS", 2)
    with filled("sqlite", ["tiny"]) as [small], filled("sqlite", ["tiny"]) as [large]:
        growth = growing.grown(small, large, 0.05)
    assert len(growth) == 26
    assert all(0 < times < inf for times in growth.values())


def test_a_machine_that_becomes_slower_between_two_requests_makes_neither_look_slower() -> None:
    ours, limit = Times([3, 3, 6, 6, 6]), Times([1, 1, 1, 2, 2])
    assert ours.median / limit.median == 6
    assert ours.over(limit) == 3
