"""The models that a server has loaded, by name and by digest; and those that were replaced a short while ago."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from elman.v1 import completion_service_pb2 as pb
from elman_models.errors import ArtifactError, InvalidField, WrongModel
from elman_models.law.artifact import Model, load
from elman_models.law.state import maker_of
from elman_models.shipped import find, shipped_models
from elman_server.errors import UnknownModel

DIGEST_LETTERS = 64


class Served(NamedTuple):
    """A model and the name it is served under."""

    name: str
    model: Model


class Source(NamedTuple):
    """Where a model comes from; `pin`: the digest that alone is taken, if it is not empty."""

    name: str
    path: Path
    pin: str = ""

    @classmethod
    def of(cls, argument: str) -> "Source":
        """What `NAME=PATH`, a path or a shipped name means, and @DIGEST after it. Raises ArtifactError."""
        named, at, digest = argument.rpartition("@")
        if at and is_digest(digest):
            return cls(*find(named), digest)
        try:
            return cls(*find(argument))
        except ArtifactError as error:
            hint = "; a digest after @ has 64 lower-case hexadecimal digits, as elman models --json prints it" if at else ""
            raise ArtifactError(f"{error}{hint}") from None

    def load(self) -> Served:
        """The model as its file is now. Raises ArtifactError or OSError."""
        model = load(self.path)
        if self.pin not in ("", model.digest):
            raise ArtifactError(f"model: {self.path} has the digest {model.digest}; allowed: {self.pin}")
        return Served(self.name, model)


def stamp(path: Path) -> bytes:
    """What changes with a file, also where it is a link to another one each time. Raises OSError."""
    found = path.stat()
    return repr((found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)).encode()


class ModelFile(NamedTuple):
    """A model's file, and what it looked like before it was read."""

    source: Source
    stamp: bytes

    @property
    def as_it_is(self) -> "ModelFile":
        """What it looks like now; if it is gone, what it looked like."""
        try:
            return self._replace(stamp=stamp(self.source.path))
        except OSError:
            return self

    @property
    def has_changed(self) -> bool:
        """Whether there is another file now, or another content."""
        return self.as_it_is != self


def files_of(arguments: Sequence[str]) -> list[ModelFile]:
    """The file of each argument; nothing named: the shipped models. Raises ArtifactError or OSError."""
    sources = [Source.of(argument) for argument in arguments or shipped_models()]
    return [ModelFile(source, stamp(source.path)) for source in sources]


class Catalogue:
    """The served models, the default first.

    One that was replaced is still there for those who name its digest, or bring a state of it, until it is forgotten.
    """

    def __init__(self, served: Sequence[Served]) -> None:
        self._served = {one.name: one for one in served}
        self._replaced: list[Served] = []
        if not self._served:
            raise InvalidField("model", [], "at least one; name one with NAME=PATH")
        if len(self._served) < len(served):
            raise InvalidField("model", [one.name for one in served], "a different name for each")

    @classmethod
    def load(cls, files: Sequence[ModelFile]) -> "Catalogue":
        """The models that files hold. Raises ArtifactError or OSError."""
        return cls([file.source.load() for file in files])

    def __iter__(self) -> Iterator[Served]:
        """The served models, the default first."""
        return iter(self._served.values())

    @property
    def replaced(self) -> Sequence[Served]:
        """Those that were replaced and are not forgotten yet."""
        return self._replaced

    def replace(self, new: Served) -> Served:
        """A model takes the place of the one of its name, which is returned."""
        old = self._served[new.name]
        self.forget(new)
        self._replaced.append(old)
        self._served[new.name] = new
        return old

    def forget(self, old: Served) -> None:
        """One that was replaced is there no longer."""
        self._replaced = [each for each in self._replaced if not is_same(each, old)]

    def resolve(self, wanted: pb.Model, state: bytes = b"") -> Served:
        """The model that a request means, which goes on from a state. Raises UnknownModel, WrongModel or InvalidField."""
        if wanted.digest and not is_digest(wanted.digest):
            raise InvalidField("model.digest", wanted.digest, "64 lower-case hexadecimal digits")
        served = self._by_name(wanted) if wanted.name or not wanted.digest else self._by_digest(wanted)
        if self._replaced:
            served = self._of_that_digest(served, wanted.digest or maker_of(state))
        if wanted.digest not in ("", served.model.digest):
            raise WrongModel(f"model.digest: {wanted.digest} is not served; {served.name!r} is {served.model.digest}")
        return served

    def _by_name(self, wanted: pb.Model) -> Served:
        name = wanted.name or next(iter(self._served))
        if name not in self._served:
            raise UnknownModel(name, self._served)
        return self._served[name]

    def _of_that_digest(self, served: Served, beginning: str) -> Served:
        """The model itself, or one that it replaced if the digest is that one's."""
        if not beginning or served.model.digest.startswith(beginning):
            return served
        old = (each for each in self._replaced if each.name == served.name and each.model.digest.startswith(beginning))
        return next(old, served)

    def _by_digest(self, wanted: pb.Model) -> Served:
        for served in (*self._served.values(), *self._replaced):
            if served.model.digest == wanted.digest:
                return served
        raise WrongModel(f"model.digest: {wanted.digest} is not served; there are: {', '.join(self._served)}")


def is_same(one: Served, other: Served) -> bool:
    """Whether both are the same model under one name."""
    return (one.name, one.model.digest) == (other.name, other.model.digest)


def is_digest(text: str) -> bool:
    """Whether the text can be a model digest."""
    return len(text) == DIGEST_LETTERS and all(letter in "0123456789abcdef" for letter in text)
