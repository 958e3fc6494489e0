"""The vendors' SFTP server of the project, going wrong on demand: `python faulty_server.py`.

What goes wrong stands in `<home>/fault.json`: `{"kind": …, "vendor": …, "name": …}`; without it all is well. `name` is
the end of the names of files that it happens to, `.part` aside.
"""

import asyncio
import json
import re
from pathlib import Path
from typing import Any

import asyncssh

from arrears.services.sftp_server import VendorDirectory, serve
from arrears.settings import Settings, get_settings

SECONDS = {"slow": 0.2, "stalled": 30.0}


class FaultyDirectory(VendorDirectory):
    """A vendor's directory that cuts, loses, damages, refuses or takes its time."""

    def __init__(self, channel: asyncssh.SSHServerChannel[bytes], settings: Settings) -> None:
        super().__init__(channel, settings)
        self._file = settings.home / "fault.json"
        self._vendor = channel.get_extra_info("username")

    def _fault(self, path: bytes | str) -> str | None:
        """What goes wrong now with this file, if anything."""
        try:
            fault = json.loads(self._file.read_text())
        except FileNotFoundError:
            return None
        name = re.sub(r"(\.[0-9a-f]+)?\.part$", "", path.decode() if isinstance(path, bytes) else path)
        applies = fault["vendor"] == self._vendor and name.endswith(fault["name"])
        return str(fault["kind"]) if applies else None

    def _cut(self) -> None:
        self.connection.abort()
        raise asyncssh.SFTPConnectionLost("cut")

    async def write(self, file_obj: Any, offset: int, data: bytes) -> int:
        kind = self._fault(file_obj.name)
        if kind in SECONDS:
            await asyncio.sleep(SECONDS[kind])
        if kind == "damages":
            data = data[:-1] + bytes([data[-1] ^ 1])
        if kind == "cut_in_file":
            super().write(file_obj, offset, data[: len(data) // 2])
            self._cut()
        written: int = super().write(file_obj, offset, data)
        return written

    async def close(self, file_obj: Any) -> None:
        kind, path = self._fault(file_obj.name), Path(file_obj.name.decode())
        super().close(file_obj)
        if kind == "loses_written" and path.suffix == ".part":
            path.unlink(missing_ok=True)

    async def posix_rename(self, oldpath: bytes, newpath: bytes) -> None:
        kind = self._fault(newpath)
        if kind == "without_posix_rename":
            raise asyncssh.SFTPOpUnsupported("Operation unsupported")
        self._refuse(kind)
        super().posix_rename(oldpath, newpath)
        self._after(kind, newpath)

    async def rename(self, oldpath: bytes, newpath: bytes) -> None:
        self._refuse(self._fault(newpath))
        super().rename(oldpath, newpath)

    def _refuse(self, kind: str | None) -> None:
        if kind == "rename_fails":
            raise asyncssh.SFTPFailure("no")
        if kind == "rename_forbidden":
            raise asyncssh.SFTPPermissionDenied("no")
        if kind == "cut_before_rename":
            self._cut()

    def _after(self, kind: str | None, path: bytes) -> None:
        if kind == "loses_renamed":
            Path(self.map_path(path).decode()).unlink()
        if kind == "cut_after_rename":
            self._cut()


if __name__ == "__main__":
    asyncio.run(serve(get_settings(), FaultyDirectory))
