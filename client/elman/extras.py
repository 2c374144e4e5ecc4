"""Parts of elman that a thin client does without: each is imported where it is asked for. Imports nothing heavy."""

from collections.abc import Generator
from contextlib import contextmanager

from elman.errors import InstallExtra


@contextmanager
def extra(name: str) -> Generator[None]:
    """Around the imports that an extra provides. Raises InstallExtra, which says what to type, if it is not installed.

    with extra("train"):
        from elman_models.training.train import train
    """
    try:
        yield
    except ModuleNotFoundError as error:
        raise InstallExtra(f'this needs {error.name}, which is not installed; type: pip install "elman[{name}]"') from error
