"""Small real models and the fixtures that several folders share."""

import os
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias, cast

import numpy as np
import pytest
import trustme
from hypothesis import settings

from elman_models.execution.choice import has_extension, open_execution
from elman_models.execution.initial_state import with_initial_state
from elman_models.execution.protocol import Execution
from elman_models.law.artifact import LayerWeights, Model, OutputWeights, save
from elman_models.law.ghost import GhostSurprise
from elman_models.law.recall import Recall
from elman_models.law.structure import Layer, Structure
from elman_models.law.tables import Tables
from elman_models.law.vocabulary import Vocabulary

os.environ["ELMAN_CONFIG"] = ""  # no test heeds what its developer has configured
settings.register_profile("elman", deadline=None)  # no test asserts a time
settings.load_profile("elman")

MakeModel: TypeAlias = Callable[..., Model]
MakeExecution: TypeAlias = Callable[[Model, int], Execution]
Examples: TypeAlias = Callable[[int], int]

SKIPPING = Structure((Layer(12, (), True), Layer(7, (0,), False), Layer(9, (0, 1), True)), (0, 2))
"""Three layers with every freedom of the format: skips, a bias vector, a partial output."""

VARIANTS = {"è": "é", "—": "!", "ﬁ": "f"}
"""Characters that a random model reads as others, in code-point order."""


def sets_here() -> list[str]:
    """The instruction sets of this machine."""
    if not has_extension():
        return []
    from elman_models.execution.native import instruction_sets

    return instruction_sets()


def random_model(
    structure: Structure = SKIPPING, characters: str = "\n !abcdefgé…😀", seed: int = 1, recall: Recall | None = None
) -> Model:
    """A model of random weights, lively enough to wander."""
    random = np.random.default_rng(seed)
    read = {variant: form for variant, form in VARIANTS.items() if form in characters and variant not in characters}
    vocabulary = Vocabulary("".join(sorted(characters)), "".join(read), "".join(read.values()))
    outputs = len(vocabulary)

    def affine(size: int, width: int, bias_rows: int, gain: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        weight = random.integers(-127, 128, (size, width), np.int8)
        scale = (gain * random.uniform(0.5, 1, size) / np.sqrt(width)).astype(np.float32)
        return weight, scale, random.normal(0, 100, (bias_rows, size)).astype(np.float32)

    layers = tuple(
        LayerWeights(*affine(layer.size, structure.layer_width(i), outputs + 1 if layer.reads_character else 1, 0.06))
        for i, layer in enumerate(structure.layers)
    )
    weight, scale, bias = affine(outputs, structure.output_width, 1, 0.04)
    model = Model(
        structure,
        vocabulary,
        layers,
        OutputWeights(weight, scale, bias[0]),
        Tables.for_outputs(outputs),
        recall or random_recall(random),
        np.zeros(structure.state_size, np.int8),
        GhostSurprise(*map(Tables.for_outputs(outputs).largest_surprise, (0.02, 0.05))),
        {"recipe": "random weights", "licence": "none"},
    )
    return with_initial_state(model)


def random_recall(random: np.random.Generator, window: int = 48) -> Recall:
    """A short window, so that texts outgrow it, bounds of distances within it, and odds from none to the largest."""
    shape = Recall.SHAPES["odds"]
    odds = np.rint(2 ** random.uniform(10, 22, shape)).astype(np.int32) * (random.random(shape) < 0.9)
    return replace(Recall.of(window, odds.astype(np.int32)), distances=np.array([6, 20], np.int32))


def pytest_addoption(parser: pytest.Parser) -> None:
    """`make test-long` compares the executions over a million random steps."""
    parser.addoption("--random-steps", type=int, default=20_000, help="steps of random work on which executions are compared")


@pytest.fixture(scope="session")
def random_steps(request: pytest.FixtureRequest) -> int:
    """How many steps of random work the executions are compared on."""
    return cast("int", request.config.getoption("--random-steps"))


class Authority:
    """Signs certificates, into files of their own."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._ca = trustme.CA()
        self.certificate = self._written("ca.pem", self._ca.cert_pem)

    def issue(self, *hosts: str, name: str = "server", **validity: Any) -> tuple[Path, Path]:
        """A certificate for hosts, and its key, in files of the name: (not_before, not_after)."""
        leaf = self._ca.issue_cert(*hosts, **validity)
        return self._written(f"{name}.pem", *leaf.cert_chain_pems), self._written(f"{name}.key", leaf.private_key_pem)

    @property
    def its_own(self) -> tuple[Path, Path]:
        """The certificate that it has signed for itself, and its key."""
        return self.certificate, self._written("ca.key", self._ca.private_key_pem)

    def _written(self, name: str, *blobs: trustme.Blob) -> Path:
        path = self._folder / name
        path.write_bytes(b"".join(blob.bytes() for blob in blobs))
        return path


@pytest.fixture
def make_authority(tmp_path: Path) -> Callable[[str], Authority]:
    """Makes an authority that signs certificates: (the name of its folder)."""

    def make(name: str) -> Authority:
        folder = tmp_path / name
        folder.mkdir()
        return Authority(folder)

    return make


@pytest.fixture
def authority(make_authority: Callable[[str], Authority]) -> Authority:
    """One that signs certificates."""
    return make_authority("authority")


@pytest.fixture(scope="session")
def make_model() -> MakeModel:
    """Makes a model of random weights: (structure, characters, seed)."""
    return random_model


@pytest.fixture(scope="session")
def model() -> Model:
    """One model with every freedom of the format."""
    return random_model()


@pytest.fixture(scope="session")
def artifact(model: Model, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of the one model."""
    path = tmp_path_factory.mktemp("artifact") / "tiny.safetensors"
    save(model, path)
    return path


def open_programs(model: Model, rows: int) -> Execution:
    """The cuda execution's programs, run on the CPU without graphs."""
    from elman_models.execution.cuda import Cuda

    return Cuda(model, rows, "cpu")


OPENERS: dict[str, MakeExecution] = {
    "reference": partial(open_execution, device="cpu", instructions="reference"),
    "native": partial(open_execution, device="cpu"),
    "numpy": partial(open_execution, device="cpu", instructions="numpy"),
    "programs": open_programs,
    "cuda": partial(open_execution, device="cuda"),
}


@pytest.fixture(scope="session")
def openers() -> Mapping[str, MakeExecution]:
    """Opens a number of rows of a model, by the name of the execution."""
    return OPENERS


@pytest.fixture(scope="session", params=["reference", "native", "programs", pytest.param("cuda", marks=pytest.mark.cuda)])
def make_execution(request: pytest.FixtureRequest) -> MakeExecution:
    """Opens a number of rows of a model, by one execution after the other; native: with this machine's best instructions.

    numpy, which is slow, is tried where the law is stated whole and beside the reference: test_definition, test_executions.
    """
    return OPENERS[request.param]


@pytest.fixture(scope="session")
def examples(make_execution: MakeExecution) -> Examples:
    """How many of a number of examples to try: native takes all, the others, which are many times slower, a third."""
    return lambda most: most if make_execution is OPENERS["native"] else most // 3


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """What is marked `cuda` is skipped where torch finds no GPU; what is marked `installs`, unless it is asked for."""
    if item.get_closest_marker("installs") and "installs" not in cast("str", item.config.option.markexpr):
        pytest.skip("needs a package index: make test-install")
    if item.get_closest_marker("cuda"):
        import torch

        if not torch.cuda.is_available():
            pytest.skip("needs a CUDA device")
