"""Small packages for tests: archives as registries have them, with whatever files a test gives them."""

import io
import tarfile
import zipfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Literal

from elman_models.sources.projects import Project
from elman_models.sources.registries import digest, path_of

MIT = """MIT License

Copyright (c) 2026 Somebody

Permission is hereby granted, free of charge, to any person obtaining a copy of this software and associated documentation
files (the "Software"), to deal in the Software without restriction.
"""
GPL = "GNU GENERAL PUBLIC LICENSE\n\nVersion 3, 29 June 2007\n"


def tar_of(files: Mapping[str, str | bytes], top: str = "package/", mode: Literal["w:", "w:gz", "w:xz"] = "w:gz") -> bytes:
    """A tar file of these files below a folder, compressed or not."""
    written = io.BytesIO()
    with tarfile.open(fileobj=written, mode=mode) as archive:
        for path, content in files.items():
            data = content.encode() if isinstance(content, str) else content
            member = tarfile.TarInfo(top + path)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return written.getvalue()


def wheel_of(files: Mapping[str, str]) -> bytes:
    """A zip file of these files."""
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w") as archive:
        for path, content in files.items():
            archive.writestr(path, content)
    return written.getvalue()


def debian_of(files: Mapping[str, str]) -> bytes:
    """A Debian package that installs these files: an `ar` archive of three members."""
    control = tar_of({"control": "Package: p\nVersion: 1\nArchitecture: all\nMaintainer: x\nDescription: x\n"}, "./", "w:xz")
    members = {"debian-binary": b"2.0\n", "control.tar.xz": control, "data.tar.xz": tar_of(files, "./", "w:xz")}
    return b"!<arch>\n" + b"".join(
        f"{name:<16}{0:<12}{0:<6}{0:<6}{100644:<8}{len(data):<10}`\n".encode() + data + b"\n" * (len(data) % 2)
        for name, data in members.items()
    )


def project_of(
    name: str, *, part: str = "training", licence: str = "MIT", registry: str = "npm", sha256: str = "0" * 64
) -> Project:
    """A row of the table."""
    return Project(registry, name, "1.0", licence, part, ("javascript",), sha256)


def keep(folder: Path, project: Project, files: Mapping[str, str | bytes], licence: str | None = MIT) -> Project:
    """Put an archive of the files, and of a licence file, where the project's is looked for; the project has its digest."""
    path = path_of(project, folder)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(tar_of({**files, **({"LICENSE": licence} if licence else {})}))
    return replace(project, sha256=sha256_of(path))


def sha256_of(path: Path) -> str:
    """The digest that a table has of an archive."""
    return digest(path)
