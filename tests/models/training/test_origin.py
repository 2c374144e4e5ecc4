"""Laws of beginning from a model: what it knew stays, and what is new begins rare."""

# torch leaves many of its members without a type:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from elman_models.errors import ArtifactError, InvalidField
from elman_models.law.artifact import Model, save
from elman_models.law.structure import Layer, Structure
from elman_models.law.vocabulary import Vocabulary
from elman_models.measure.cost import evaluate
from elman_models.training.export import to_model
from elman_models.training.float_cost import float_nats_per_character
from elman_models.training.network import Network, Window
from elman_models.training.origin import Origin, read_origin
from elman_models.training.recipe import Recipe

KNOWN = Vocabulary.reading_plainly("\nbdf")
WIDER = Vocabulary.reading_plainly("\nabcdef")
NEW = "ace"
SKIPPING = Structure((Layer(12, (), True), Layer(7, (0,), False), Layer(9, (0, 1), True)), (0, 2))


@pytest.fixture(scope="module")
def origin() -> Origin:
    return Origin("small", model(SKIPPING))


def model(structure: Structure) -> Model:
    network = Network(structure, len(KNOWN), torch.Generator().manual_seed(1))
    torch.nn.init.normal_(network.output_bias, generator=torch.Generator().manual_seed(2))
    return to_model(network, KNOWN, {})


def logits(network: Network, vocabulary: Vocabulary, text: str) -> Tensor:
    """(characters, outputs)"""
    characters = torch.from_numpy(vocabulary.encode(text)).long()[:, None]
    states = network.zero_states(1)
    with torch.no_grad():
        return network(Window(characters, characters, {}), states, [None] * len(states), torch.float32)[0][:, 0]


def test_a_network_without_new_characters_predicts_as_its_model_does(origin: Origin) -> None:
    text = "bdf\nfbd bb" * 20
    float_nats = float_nats_per_character(origin.network(KNOWN), KNOWN, [text])
    assert float_nats == pytest.approx(evaluate(origin.model, [text]).nats_per_character_streaming, abs=0.005)


def test_the_vocabulary_is_the_models_and_the_notes_in_code_point_order(origin: Origin) -> None:
    assert origin.vocabulary_with(Vocabulary("ace")) == WIDER
    assert origin.vocabulary_with(Vocabulary("b")) == KNOWN


def test_known_characters_keep_their_logits_beside_new_ones(origin: Origin) -> None:
    text = "\nbdfdb\nff"
    kept = logits(origin.network(WIDER), WIDER, text)[:, WIDER.encode(KNOWN.characters)]
    torch.testing.assert_close(kept, logits(origin.network(KNOWN), KNOWN, text))


def test_a_new_character_reads_as_an_unknown_one_did(origin: Origin) -> None:
    read_new = logits(origin.network(WIDER), WIDER, "ba\nc?e")[:, WIDER.encode(KNOWN.characters)]
    torch.testing.assert_close(read_new, logits(origin.network(KNOWN), KNOWN, "b?\n???"))
    assert not torch.allclose(read_new, logits(origin.network(KNOWN), KNOWN, "bb\n???"))


def test_a_new_character_reads_as_its_plain_form_did_and_is_not_as_probable(origin: Origin) -> None:
    wider = origin.vocabulary_with(Vocabulary("ḋ"))
    network = origin.network(wider)
    told = logits(network, wider, "bḋ\nf")
    torch.testing.assert_close(told[:, wider.encode(KNOWN.characters)], logits(origin.network(KNOWN), KNOWN, "bd\nf"))
    new, plain = (told.softmax(dim=1)[:, wider.encode(character)[0]] for character in "ḋd")
    assert not torch.allclose(new, plain)


def test_a_new_character_is_never_more_probable_than_the_known_ones_are_on_average(origin: Origin) -> None:
    shares = logits(origin.network(WIDER), WIDER, "\nbdfabcdef" * 5).softmax(dim=1)
    new, known = (shares[:, WIDER.encode(characters)] for characters in (NEW, KNOWN.characters))
    assert torch.all(new.amax(dim=1) <= known.mean(dim=1) * 1.0001)
    assert torch.all(new > 0)


@pytest.mark.parametrize(
    ("structure", "dial", "value", "words"),
    [
        (
            Structure.dense(3, 8),
            "layers",
            3,
            "layers: 3 is out of range; allowed: none beside a model to begin from; small has 3",
        ),
        (Structure.dense(3, 8), "skips", "none", "skips: 'none' is out of range; .* small has dense"),
        (Structure.stacked(3, 8), "skips", "dense", "small has none"),
        (SKIPPING, "skips", "dense", "small has its own"),
        (SKIPPING, "hidden_size", 16, "hidden_size: 16 is out of range; .* small has 12, 7, 9"),
    ],
)
def test_the_structure_is_the_models_own(structure: Structure, dial: str, value: object, words: str) -> None:
    given: dict[str, Any] = {dial: value}
    with pytest.raises(InvalidField, match=words):
        Origin("small", model(structure)).refuse_shape(Recipe(**given))


def test_an_origin_is_found_as_a_model_is(origin: Origin, tmp_path: Path) -> None:
    save(origin.model, tmp_path / "notes.safetensors")
    found = read_origin(str(tmp_path / "notes.safetensors"))
    assert found.to_json() == {"name": "notes", "digest": origin.model.digest}
    assert read_origin(f"mine={tmp_path / 'notes.safetensors'}").name == "mine"
    shakespeare = read_origin("shakespeare")
    assert (shakespeare.name, shakespeare.to_json()["licence"]) == ("shakespeare", shakespeare.model.about["licence"])


def test_the_licence_of_a_text_goes_along_with_what_learned_from_it(origin: Origin) -> None:
    first = Origin("a", replace(origin.model, about={"licence": "free"}))
    then = Origin("b", replace(origin.model, about={"from": first.to_json()}))
    assert then.to_json()["licence"] == "free"


def test_what_is_not_a_model_is_refused_by_name(origin: Origin, tmp_path: Path) -> None:
    damaged = tmp_path / "damaged.safetensors"
    save(origin.model, damaged)
    damaged.write_bytes(damaged.read_bytes()[:-9])
    with pytest.raises(ArtifactError, match=r"damaged\.safetensors: not an elman model, or a damaged one"):
        read_origin(str(damaged))
    with pytest.raises(ArtifactError, match=r"'shakespear' is neither a file nor a shipped model; shipped: .*shakespeare"):
        read_origin("shakespear")
    with pytest.raises(IsADirectoryError, match="a folder, not a model file"):
        read_origin(str(tmp_path))
