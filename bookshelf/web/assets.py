"""The address of static files: it holds a hash of them all, so that browsers may keep them."""

from hashlib import sha256
from importlib import metadata
from pathlib import Path

LETTERS_OF_HASH = 12


def url_path(folder: Path) -> str:
    """The path below which the files of the folder, and those of Bootstrap, are served."""
    return f"/static/{tree_hash(folder, metadata.version('Bootstrap-Flask'))}"


def tree_hash(folder: Path, version: str) -> str:
    """A short hash which changes with the name or the content of any file, and with the version."""
    digest = sha256(version.encode())
    for name in sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*")):
        file = folder / name
        if file.is_file():
            # The hash of each part has a fixed length, so that no two trees read alike.
            digest.update(sha256(name.encode()).digest() + sha256(file.read_bytes()).digest())
    return digest.hexdigest()[:LETTERS_OF_HASH]
