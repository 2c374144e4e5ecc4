"""The models that come with the package, and the way from what a person names to a file."""

import os
from pathlib import Path

from elman.languages import DEFAULT_MODEL
from elman_models.errors import ArtifactError

FOLDER = Path(__file__).parent / "shipped"
SUFFIX = ".safetensors"


def shipped_models() -> dict[str, Path]:
    """The path of each shipped model by its name, the default first."""
    paths = sorted(FOLDER.glob(f"*{SUFFIX}"), key=lambda path: (path.stem != DEFAULT_MODEL, path.stem))
    return {path.stem: path for path in paths}


def find(argument: str) -> tuple[str, Path]:
    """The name and file meant by `NAME=PATH`, by a path, or by the name of a shipped model. Raises ArtifactError."""
    name, equals, path = argument.partition("=")
    if equals and os.path.isfile(os.path.expanduser(argument)):  # noqa: PTH111, PTH113 # a file's own name may have one
        return Path(argument).name.removesuffix(SUFFIX), existing(argument)
    if equals and not (name and path):
        raise ArtifactError(f"model: {argument!r} is not understood; allowed: NAME=PATH, PATH, or the name of a shipped model")
    if equals:
        return name, existing(path)
    shipped = shipped_models()
    if argument in shipped:
        return argument, shipped[argument]
    if Path(argument).suffix or Path(argument).exists():
        return Path(argument).name.removesuffix(SUFFIX), existing(argument)
    raise ArtifactError(f"model: {argument!r} is neither a file nor a shipped model; shipped: {', '.join(shipped)}")


def existing(file: str) -> Path:
    """The path, if there is a file; ~ is one's home, which no shell says of an editor's settings. Raises ArtifactError."""
    path = Path(os.path.expanduser(file))  # noqa: PTH111 (never raises)
    if not path.is_file():
        if path.is_dir():
            raise ArtifactError(f"model: {path.absolute()} is a folder, not a model file")
        raise ArtifactError(f"model: no file at {path.absolute()}; train one with: elman train FILES... -o {path}")
    return path
