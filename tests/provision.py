"""Brings PgBouncer and Chromium, which pip cannot, where this machine lacks them."""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import servers

PATIENCE = 300  # seconds for a download; apt-get has its own limits and must not be cut short


def main() -> None:
    """Bring both, quietly where they are; the tests decide what a missing part means."""
    provide(servers.find_pgbouncer, extract_pgbouncer)
    provide(servers.chromium, install_chromium, download_chromium)


def provide(find: Callable[[], object], *ways: Callable[[], None]) -> None:
    """Try one way after another until the part is found, or say that it is not."""
    for way in ways:
        try:
            find()
            return
        except servers.Missing:
            way()
    try:
        find()
    except servers.Missing as missing:
        outcome = "not found and cannot be installed here; its tests will be skipped"
        say(missing.part, f"{outcome} ({missing.remedy})")


def extract_pgbouncer() -> None:
    """Unpack Debian's package into .tools: installed, it would start a service on port 6432."""
    refresh_packages()
    libraries = re.findall(r"Depends: (lib\S+)", output("apt-cache", "depends", "pgbouncer"))
    if not libraries:
        return
    plan = output("apt-get", "install", "--simulate", "--no-install-recommends", *libraries)
    packages = ["pgbouncer", *re.findall(r"^Inst (\S+)", plan, re.MULTILINE)]
    say("pgbouncer", f"unpacking {', '.join(packages)} into {servers.TOOLS}")
    with tempfile.TemporaryDirectory() as folder:
        output("apt-get", "download", *packages, folder=folder)
        for package in Path(folder).glob("*.deb"):
            output("dpkg-deb", "-x", str(package), str(servers.TOOLS))


def install_chromium() -> None:
    """Install Debian's browser and what Playwright's own program needs, which takes root."""
    if os.geteuid() == 0 and shutil.which("apt-get"):
        say("browser", "installing chromium and libatomic1 with apt-get")
        refresh_packages()
        output("apt-get", "install", "-y", "--no-install-recommends", "chromium", "libatomic1")


def download_chromium() -> None:
    """Download Playwright's browser; it counts on libraries that most desktops have."""
    say("browser", "downloading Playwright's chromium")
    output(sys.executable, "-m", "playwright", "install", "chromium", timeout=PATIENCE)


def refresh_packages() -> None:
    """A container often has no lists of packages, and old lists name files that are gone."""
    if os.geteuid() == 0:
        output("apt-get", "update")


def output(*command: str, folder: str | None = None, timeout: float | None = None) -> str:
    """What a command prints, or nothing if it fails: whether the part is there then decides."""
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C"}
    try:
        return subprocess.run(
            command,
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=timeout,
            text=True,
            check=True,
        ).stdout
    except (OSError, subprocess.SubprocessError):
        return ""


def say(part: str, what: str) -> None:
    """One line per event."""
    print(f"{part}: {what}", flush=True)


if __name__ == "__main__":
    main()
