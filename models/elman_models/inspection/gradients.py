"""How far back a prediction reaches: do gradients vanish or explode (Bengio et al. 1994, Pascanu et al. 2013)? Needs no torch.

    g_l(k) = dL_t / dh_l,t-k        L_t = -ln p(character t | h_t)

    d_l(k) = (1 - h_l,t-k^2) g_l(k)
    g_l(k) = W_l^T d_l(k - 1)  +  sum over layers m above that read l of U_m,l^T d_m(k)        k = 0 adds V_l^T (p - one hot)

The derivative is that of tanh at the states that the served network has, with the weights that its whole numbers stand for.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elman.progress import Tell, told, untold
from elman_models.errors import InvalidField
from elman_models.inspection.states import root_mean_squares
from elman_models.law.artifact import Model
from elman_models.law.dequantize import REACH, floats
from elman_models.law.structure import Structure
from elman_models.law.tables import UNIT

MOST_POSITIONS = 64

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Memory:
    """Norms of gradients by steps back, and sizes of states by position; all but the totals are lists by layer."""

    digest: str
    steps: int
    positions: int
    mean_norms: list[list[float]]  # (layers, steps + 1), over positions
    median_norms: list[list[float]]
    total_norms: Mapping[int, list[float]]  # of all layers together: percentile over positions -> (steps + 1)
    growth_a_step: list[float]
    steps_to_a_hundredth: list[int | None]
    state_sizes: list[list[float]]  # (layers, characters + 1)

    def to_json(self) -> dict[str, Any]:
        """What `elman inspect memory --json` prints."""
        return {
            "digest": self.digest,
            "steps": self.steps,
            "positions": self.positions,
            "gradient_norms": {"mean": self.mean_norms, "median": self.median_norms},
            "total_gradient_norms": {str(share): norms for share, norms in self.total_norms.items()},
            "growth_a_step": self.growth_a_step,
            "steps_to_a_hundredth": self.steps_to_a_hundredth,
            "state_sizes": self.state_sizes,
        }


def memory(model: Model, states: NDArray[np.int8], text: str, steps: int, tell: Tell = untold) -> Memory:
    """How far back the network's predictions of a text reach. `states`: (characters + 1, size). Raises InvalidField."""
    characters = model.vocabulary.encode(text)
    positions = positions_of(characters, model.vocabulary.unknown, steps)
    norms = gradient_norms(model, states / REACH, characters, positions, steps, tell)
    means = norms.mean(axis=2)
    total = np.sqrt(np.square(norms).sum(axis=1))
    return Memory(
        digest=model.digest,
        steps=steps,
        positions=len(positions),
        mean_norms=means.T.tolist(),
        median_norms=np.median(norms, axis=2).T.tolist(),
        total_norms={share: np.percentile(total, share, axis=1).tolist() for share in (10, 50, 90)},
        growth_a_step=[growth(norms[:, layer]) for layer in range(norms.shape[1])],
        steps_to_a_hundredth=[first_below(means[:, layer]) for layer in range(norms.shape[1])],
        state_sizes=root_mean_squares(model, states).T.tolist(),
    )


def positions_of(characters: NDArray[np.int32], unknown: int, steps: int) -> NDArray[np.int64]:
    """Spread over the text: predictable characters with at least `steps` before them. Raises InvalidField."""
    possible = np.flatnonzero(characters != unknown)
    possible = possible[possible >= steps]
    if not 1 <= steps < len(characters) or not len(possible):
        raise InvalidField("steps", steps, f"1 to {len(characters) - 1}, for this text of {len(characters)} characters")
    return possible[np.unique(np.linspace(0, len(possible) - 1, MOST_POSITIONS).astype(np.int64))]


def gradient_norms(
    model: Model,
    states: Floats,
    characters: NDArray[np.int32],
    positions: NDArray[np.int64],
    steps: int,
    tell: Tell = untold,
) -> Floats:
    """|dL_t / dh_l,t-k| at each position t, (steps + 1, layers, positions). `states`: from -1 to 1."""
    structure = model.structure
    gradients = through_time(model, states, positions, output_gradient(model, states, characters, positions), steps)
    gradients = told(gradients, steps + 1, tell)
    layers = range(len(structure.layers))
    return np.stack(
        [np.stack([np.linalg.norm(gradient[:, structure.span(layer)], axis=1) for layer in layers]) for gradient in gradients]
    )


def output_gradient(model: Model, states: Floats, characters: NDArray[np.int32], positions: NDArray[np.int64]) -> Floats:
    """What the output layer alone hands down, (positions, state size)."""
    structure, weight = model.structure, floats(model.output)
    read = np.concatenate([np.arange(structure.state_size)[structure.span(layer)] for layer in structure.output_inputs])
    logits = states[positions][:, read] @ weight.T + model.output.bias / UNIT
    p = np.exp(logits - logits.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    p[np.arange(len(positions)), characters[positions]] -= 1
    gradient = np.zeros((len(positions), structure.state_size))
    gradient[:, read] = p @ weight
    return gradient


def through_time(model: Model, states: Floats, positions: NDArray[np.int64], gradient: Floats, steps: int) -> Iterator[Floats]:
    """dL_t / dh_t-k for k from 0 to `steps`, (positions, state size) each."""
    matrices = [floats(layer) for layer in model.layers]
    for back in range(steps + 1):
        slope = 1 - np.square(states[positions - back])
        delta = down_the_layers(model.structure, matrices, gradient, slope)
        yield gradient
        gradient = one_step_back(model.structure, matrices, delta)


def down_the_layers(structure: Structure, matrices: list[Floats], gradient: Floats, slope: Floats) -> Floats:
    """Complete `gradient` by what layers of the same step hand down, in place; the derivative by the arguments of tanh."""
    delta = np.empty_like(gradient)
    for index in reversed(range(len(structure.layers))):
        own = structure.span(index)
        delta[:, own] = slope[:, own] * gradient[:, own]
        width = matrices[index].shape[1] - structure.layers[index].size
        handed, start = delta[:, own] @ matrices[index][:, :width], 0
        for below in structure.layers[index].inputs:
            size = structure.layers[below].size
            gradient[:, structure.span(below)] += handed[:, start : start + size]
            start += size
    return delta


def one_step_back(structure: Structure, matrices: list[Floats], delta: Floats) -> Floats:
    """What each layer's own recurrence hands to the step before."""
    gradient = np.empty_like(delta)
    for index, layer in enumerate(structure.layers):
        own = structure.span(index)
        gradient[:, own] = delta[:, own] @ matrices[index][:, -layer.size :]
    return gradient


def growth(norms: Floats) -> float:
    """The median factor by which a norm, (steps + 1, positions), changes a step back; what has sunk to 0 has none any more."""
    is_there = norms[:-1] > 0
    return float(np.median(norms[1:][is_there] / norms[:-1][is_there])) if is_there.any() else 0.0


def first_below(norms: Floats, share: float = 0.01) -> int | None:
    """The first step back at which a norm is below a share of its largest, and stays there; None: at none."""
    above = np.flatnonzero(norms >= share * norms.max())
    return int(above[-1]) + 1 if above[-1] + 1 < len(norms) else None
