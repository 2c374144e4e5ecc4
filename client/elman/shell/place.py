"""Where a person's shells and their daemon meet, and where the model of their history is. Opens no socket, reads no model."""

import hashlib
import os
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from elman.errors import MendRequest

MODEL: Final = "shell.safetensors"
DEFAULT_MODEL: Final = f"~/.local/share/elman/{MODEL}"
"""Where `default_model` is, as help texts say it."""
PRIVATE: Final = 0o700


def default_model(environment: Mapping[str, str] = os.environ) -> Path:
    """The model that `elman train --shell-history` writes and `elman shell` reads, unless they are told another."""
    folder = Path(environment.get("XDG_DATA_HOME", ""))
    home = folder if folder.is_absolute() else Path(os.path.expanduser("~"), ".local", "share")  # noqa: PTH111 (never raises)
    return home / "elman" / MODEL


def socket_folder(environment: Mapping[str, str] = os.environ) -> Path:
    """Where sockets are: of the session, if the system has such a folder. The scripts find it by the same rule."""
    session = environment.get("XDG_RUNTIME_DIR", "")
    return Path(session, "elman") if session else Path(f"/tmp/elman-{os.getuid()}")  # noqa: S108 (made_private checks whose it is)


def socket_name(model: str) -> str:
    """The name of the socket at which a model answers: there is a daemon for each model."""
    return f"shell-{hashlib.sha256(os.fsencode(model)).hexdigest()[:8]}.sock"


def made_private(folder: Path) -> None:
    """Make the folder, if need be. Raises MendRequest unless it is this person's, and nobody else's to look into."""
    folder.mkdir(mode=PRIVATE, parents=True, exist_ok=True)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid():
        raise MendRequest(f"{folder}: not a folder of yours")
    if found.st_mode & 0o077:
        raise MendRequest(f"{folder}: others may look into it; allowed: a folder of mode 0700")
