"""The models that a server has loaded, by name and by digest."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from elman.v1 import completion_service_pb2 as pb
from elman_models.errors import ArtifactError, InvalidField, WrongModel
from elman_models.law.artifact import Model, load
from elman_models.shipped import find, shipped_models
from elman_server.errors import UnknownModel

DIGEST_LETTERS = 64


class Served(NamedTuple):
    """A model and the name it is served under."""

    name: str
    model: Model


class Catalogue:
    """The served models, the default first."""

    def __init__(self, served: Sequence[Served]) -> None:
        self._served = {one.name: one for one in served}
        if not self._served:
            raise InvalidField("model", [], "at least one; name one with NAME=PATH")
        if len(self._served) < len(served):
            raise InvalidField("model", [one.name for one in served], "a different name for each")

    @classmethod
    def load(cls, arguments: Sequence[str]) -> "Catalogue":
        """Load `NAME=PATH`, paths or shipped names; nothing named: the shipped models. Raises ArtifactError or OSError.

        Of what ends with @DIGEST, only a model of that digest is loaded.
        """
        return cls([load_one(argument) for argument in arguments or shipped_models()])

    def __iter__(self) -> Iterator[Served]:
        """The served models, the default first."""
        return iter(self._served.values())

    def resolve(self, wanted: pb.Model) -> Served:
        """The model that a request means. Raises UnknownModel, WrongModel or InvalidField."""
        if wanted.digest and not is_digest(wanted.digest):
            raise InvalidField("model.digest", wanted.digest, "64 lower-case hexadecimal digits")
        served = self._by_name(wanted) if wanted.name or not wanted.digest else self._by_digest(wanted)
        if wanted.digest not in ("", served.model.digest):
            raise WrongModel(f"model.digest: {wanted.digest} is not served; {served.name!r} is {served.model.digest}")
        return served

    def _by_name(self, wanted: pb.Model) -> Served:
        name = wanted.name or next(iter(self._served))
        if name not in self._served:
            raise UnknownModel(name, self._served)
        return self._served[name]

    def _by_digest(self, wanted: pb.Model) -> Served:
        for served in self._served.values():
            if served.model.digest == wanted.digest:
                return served
        raise WrongModel(f"model.digest: {wanted.digest} is not served; there are: {', '.join(self._served)}")


def load_one(argument: str) -> Served:
    """The model that an argument means. Raises ArtifactError or OSError."""
    name, path, digest = source_of(argument)
    model = load(path)
    if digest and model.digest != digest:
        raise ArtifactError(f"model: {path} has the digest {model.digest}; allowed: {digest}")
    return Served(name, model)


def source_of(argument: str) -> tuple[str, Path, str]:
    """The name, the file, and the digest that it must have, if any. Raises ArtifactError."""
    named, at, digest = argument.rpartition("@")
    is_pinned = bool(at) and is_digest(digest)
    return (*find(named if is_pinned else argument), digest if is_pinned else "")


def path_of(argument: str) -> Path:
    """The file of the model that an argument means. Raises ArtifactError."""
    return source_of(argument)[1]


def is_digest(text: str) -> bool:
    """Whether the text can be a model digest."""
    return len(text) == DIGEST_LETTERS and all(letter in "0123456789abcdef" for letter in text)
