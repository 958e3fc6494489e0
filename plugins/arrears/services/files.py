"""Files that are made once: keys and other secrets of the demo."""

import os
import tempfile
from pathlib import Path


def write_once(path: Path, content: bytes, *, mode: int = 0o600) -> None:
    """Write a file unless it is there. Of two processes at once one wins, and the file is never half written."""
    descriptor, name = tempfile.mkstemp(dir=path.parent)
    temporary = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
        temporary.chmod(mode)
        # A link, unlike a rename, fails when another process was first: nobody's key is replaced under its feet.
        path.hardlink_to(temporary)
    except FileExistsError:
        return
    finally:
        temporary.unlink()
