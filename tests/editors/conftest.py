"""What several editors' tests share."""

from collections.abc import Iterator

import pytest
from tests.editors.nvim_typist import Typist


@pytest.fixture(scope="module")
def typist(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Typist]:
    """Somebody who types in Neovim, for all tests of a file."""
    with Typist(tmp_path_factory.mktemp("nvim")) as typist:
        yield typist
