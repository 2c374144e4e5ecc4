"""The files in a package's archive: a source distribution, a wheel, an npm package, a Debian package. Nothing is unpacked.

What is no ordinary file (a link, a device) is passed over. A folder that holds everything is no part of the paths.
"""

import io
import subprocess
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

LARGEST = 2_000_000
"""Bytes of a file beyond which nobody wrote it."""
DEBIAN, ZIP = b"!<arch>\n", b"PK\x03\x04"


def read_files(path: Path, is_wanted: Callable[[str], bool]) -> dict[str, bytes]:
    """The files of an archive whose paths are wanted, but for large ones."""
    with path.open("rb") as file:
        kind = file.read(len(DEBIAN))
    if kind.startswith(ZIP):
        return dict(files_of_zip(path, is_wanted))
    return dict(files_of_tar(io.BytesIO(unpacked_debian(path)) if kind == DEBIAN else path, is_wanted))


def files_of_zip(path: Path, is_wanted: Callable[[str], bool]) -> Iterator[tuple[str, bytes]]:
    """Those of a wheel or another zip file."""
    with zipfile.ZipFile(path) as archive:
        members = [member for member in archive.infolist() if not member.is_dir()]
        top = common_folder([member.filename for member in members])
        for member in members:
            name = member.filename.removeprefix(top)
            if member.file_size <= LARGEST and is_wanted(name):
                yield name, archive.read(member)


def files_of_tar(source: Path | io.BytesIO, is_wanted: Callable[[str], bool]) -> Iterator[tuple[str, bytes]]:
    """Those of a tar file, compressed or not."""
    with tarfile.open(source) if isinstance(source, Path) else tarfile.open(fileobj=source) as archive:
        members = [member for member in archive.getmembers() if member.isfile()]
        top = common_folder([member.name for member in members])
        for member in members:
            name = member.name.removeprefix(top)
            if member.size <= LARGEST and is_wanted(name) and (file := archive.extractfile(member)):
                yield name, file.read()


def unpacked_debian(path: Path) -> bytes:
    """The tar file with what a Debian package installs."""
    command = ["dpkg-deb", "--fsys-tarfile", str(path)]
    return subprocess.run(command, capture_output=True, check=True).stdout  # noqa: S603 (a path of ours)


def common_folder(names: list[str]) -> str:
    """The first folder, with its slash, if all names have it; `./` of a Debian package too."""
    first = names[0].partition("/")[0] + "/" if names else ""
    return first if all(name.startswith(first) for name in names) else ""
