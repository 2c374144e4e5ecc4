"""Parts of elman that a thin client does without: found by name when they are asked for. Imports nothing heavy."""

from importlib import import_module
from types import ModuleType

from elman.errors import InstallExtra


def needed(module: str, extra: str) -> ModuleType:
    """The module. Raises InstallExtra, which says what to type, if it or something below it is not installed."""
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        raise InstallExtra(f'this needs {error.name}, which is not installed; type: pip install "elman[{extra}]"') from error
