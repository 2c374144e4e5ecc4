"""Laws of the way from a float network to an artifact."""

# torch leaves many of its members without a type:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

from pathlib import Path

import numpy as np
import pytest
import torch
from prose import QUICK, prose

from elman_models.corpus import Corpus
from elman_models.errors import ArtifactError
from elman_models.execution.reference import Reference
from elman_models.law.artifact import load
from elman_models.law.dequantize import dequantized
from elman_models.law.structure import Layer, Structure
from elman_models.law.vocabulary import Vocabulary
from elman_models.measure.cost import evaluate
from elman_models.training.checkpoint import CheckpointError, save_checkpoint
from elman_models.training.export import export_checkpoint, quantized, to_model, to_network
from elman_models.training.float_cost import float_nats_per_character
from elman_models.training.network import Network
from elman_models.training.run import new_run

VOCABULARY = Vocabulary("\n abc")
SKIPPING = Structure((Layer(12, (), True), Layer(7, (0,), False), Layer(9, (0, 1), True)), (0, 2))


def network(structure: Structure = SKIPPING, seed: int = 0) -> Network:
    return Network(structure, len(VOCABULARY), torch.Generator().manual_seed(seed))


def test_the_export_of_one_checkpoint_is_the_same_bytes_and_loads_as_what_it_is(tmp_path: Path) -> None:
    run = new_run(Corpus((prose(3000),)), Corpus(()), QUICK, torch.device("cpu"))
    run.advance()
    save_checkpoint(run.checkpoint(), tmp_path / "m.checkpoint")
    first = export_checkpoint(tmp_path / "m.checkpoint", tmp_path / "a.safetensors")
    export_checkpoint(tmp_path / "m.checkpoint", tmp_path / "b.safetensors")
    assert (tmp_path / "a.safetensors").read_bytes() == (tmp_path / "b.safetensors").read_bytes()
    assert load(tmp_path / "a.safetensors").digest == first.digest


def test_the_artifact_agrees_with_its_float_network_on_every_structure() -> None:
    text = "abc cab\nbac abc " * 8
    for seed in range(3):
        model = to_model(network(seed=seed), VOCABULARY, {})
        float_nats = float_nats_per_character(network(seed=seed), VOCABULARY, [text])
        assert evaluate(model, [text]).nats_per_character_streaming == pytest.approx(float_nats, abs=0.01)


def test_the_artifact_agrees_better_still_with_its_dequantised_weights() -> None:
    text = "abc cab\nbac abc " * 8
    model = to_model(network(), VOCABULARY, {})
    float_nats = float_nats_per_character(to_network(model), VOCABULARY, [text])
    assert evaluate(model, [text]).nats_per_character_streaming == pytest.approx(float_nats, abs=0.005)


def test_a_weight_is_off_by_half_a_step_at_most() -> None:
    weight = torch.randn(20, 30, generator=torch.Generator().manual_seed(1))
    whole, scale = quantized(weight)
    error = (torch.from_numpy(dequantized(whole, scale)) - weight).abs().amax(1)
    assert bool((error <= weight.abs().amax(1) / 127 * 0.5001).all())
    assert np.abs(whole).max() == 127


def test_a_row_of_zeros_and_a_row_beyond_the_scale_stay_in_range() -> None:
    weight = torch.tensor([[0.0, 0.0], [1e-30, 0.0], [1e9, -1e9]])
    whole, scale = quantized(weight)
    assert np.all((scale >= 2.0**-30) & (scale <= 2.0**8))
    assert np.all(whole != -128)


def test_the_initial_state_is_what_the_law_makes_of_a_line_end() -> None:
    model = to_model(network(), VOCABULARY, {})
    reference = Reference(model, rows=1)
    reference._states.zero_()  # pyright: ignore[reportPrivateUsage]  # nothing read yet, which no State of the API says
    stepped = reference._network.step(reference._states, torch.tensor([VOCABULARY.characters.index("\n")]))  # pyright: ignore[reportPrivateUsage]
    assert np.array_equal(stepped[0].numpy().astype(np.int8), model.initial_state)


def test_weights_that_are_not_numbers_are_refused() -> None:
    broken = network()
    with torch.no_grad():
        broken.recurrences[0][0, 0] = float("nan")
    with pytest.raises(ArtifactError, match="not a finite number"):
        to_model(broken, VOCABULARY, {})


def test_a_bias_beyond_the_law_is_refused() -> None:
    broken = network()
    with torch.no_grad():
        broken.biases[0][0, 0] = 5000.0  # 5000 * 256 > 2^20
    with pytest.raises(ArtifactError, match=r"layer\.0\.bias: a value is out of range"):
        to_model(broken, VOCABULARY, {})


def test_what_is_not_a_checkpoint_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="no such checkpoint"):
        export_checkpoint(tmp_path / "nothing", tmp_path / "m.safetensors")
