"""Files as a whole: written so that nobody sees half of one, and told apart by what is in them."""

import hashlib
from collections.abc import Iterable
from pathlib import Path


def write_whole(path: Path, text: str) -> None:
    """Write a file that is never seen half written."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.part")
    part.write_text(text, encoding="utf-8")
    part.replace(path)


def fingerprint(directory: Path, paths: Iterable[Path], *further: str) -> str:
    """A hash of the names and bytes of files below `directory`, whatever their order, and of further texts."""
    digest = hashlib.sha256("\0".join(further).encode())
    for path in sorted(path for path in paths if path.is_file()):
        digest.update(f"{path.relative_to(directory)}\0".encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()
