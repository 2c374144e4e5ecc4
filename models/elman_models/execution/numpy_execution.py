"""The numpy execution: LAW.md in numpy, for machines without the native extension. Equal to the reference, byte for byte.

The network moves all rows at once; what follows from its logits is done for one row after another, in the law's own words.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from elman_models.execution.protocol import NO_ACCOUNT, Account, Advance, Passage, Start
from elman_models.law.artifact import Model
from elman_models.law.philox import word
from elman_models.law.recall import ODDS_UNIT, recalled
from elman_models.law.sampling import FRACTION, Sampling
from elman_models.law.state import State, remembered_type
from elman_models.law.tables import LOGIT_REACH, ONE, TANH_REACH, UNIT, UNKNOWN_NATS, Tables

EXACT_IN_FLOAT32 = 1 << 24
UNKNOWN_SURPRISE = round(UNIT * UNKNOWN_NATS)

Ints = NDArray[np.int64]


class Favourite(NamedTuple):
    """The character that recall favours, and its odds in 1/65536; 0: none."""

    character: int = 0
    odds: int = 0


class NumpyExecution:
    """The numpy execution of the `Execution` protocol."""

    def __init__(self, model: Model, rows: int) -> None:
        self.name = "numpy"
        self._model, self._network, self._sampler = model, Network(model), Sampler(model.tables)
        self._states = np.zeros((rows, model.structure.state_size), np.int8)
        self._rows: dict[int, Row] = {}

    def load(self, row: int, start: Start) -> None:
        """Put a text into a row, whatever was there before."""
        self._states[row] = start.state.outputs
        self._rows[row] = Row(self._model, self._sampler, start)

    def run(self, advances: Sequence[Advance]) -> "NumpyOutcome":
        """Move the rows, each named at most once, by at least one character each."""
        walks = [self._rows[advance.row].begin(advance, self._states[advance.row]) for advance in advances]
        for step in range(max(advance.steps for advance in advances)):
            self._step([walk for walk in walks if step < walk.advance.steps], step)
        for walk in walks:
            self._rows[walk.advance.row].end(walk)
        return NumpyOutcome(walks)

    def _step(self, moving: Sequence["Walk"], step: int) -> None:
        """q = V h; choose or take the character; h' = tanh(U x + W h + b)."""
        rows = [walk.advance.row for walk in moving]
        asking = [walk.advance.row for walk in moving if walk.needs_output(step)]
        logits = iter(self._network.logits(self._states[asking])) if asking else iter(())
        characters = [walk.choose(next(logits), step) if walk.needs_output(step) else walk.forced(step) for walk in moving]
        self._states[rows] = self._network.step(self._states[rows], characters)
        for walk in moving:
            walk.note(step, self._states[walk.advance.row])


class Network:
    """The forward pass of LAW.md, Model, over a batch of states."""

    def __init__(self, model: Model) -> None:
        self._structure = model.structure
        self._layers = [Affine(layer.weight, layer.scale, layer.bias) for layer in model.layers]
        self._output = Affine(model.output.weight, model.output.scale, model.output.bias[None])
        self._tanh = model.tables.tanh
        self._spans = [model.structure.span(index) for index in range(len(self._layers))]

    def step(self, states: NDArray[np.int8], characters: Sequence[int]) -> NDArray[np.int8]:
        """The states (rows, state size) after one character each."""
        outputs: list[NDArray[np.int8]] = []
        for layer, affine, span in zip(self._structure.layers, self._layers, self._spans, strict=True):
            x = np.concatenate([*(outputs[i] for i in layer.inputs), states[:, span]], axis=1)  # (rows, width)
            a = np.rint(affine(x, characters if layer.reads_character else [0])).clip(-TANH_REACH, TANH_REACH)
            outputs.append(self._tanh[a.astype(np.int64) + TANH_REACH])
        return np.concatenate(outputs, axis=1)

    def logits(self, states: NDArray[np.int8]) -> Ints:
        """q (rows, outputs), in 1/256 nat."""
        x = np.concatenate([states[:, self._spans[i]] for i in self._structure.output_inputs], axis=1)
        return np.rint(self._output(x, [0])).clip(-LOGIT_REACH, LOGIT_REACH).astype(np.int64)


class Affine:
    """fl(fl(acc * scale) + bias), acc = M x exact: in float32 as long as 127 * sum|row| < 2^24, otherwise in float64."""

    def __init__(self, weight: NDArray[np.int8], scale: NDArray[np.float32], bias: NDArray[np.float32]) -> None:
        largest_sum = 127 * int(np.abs(weight.astype(np.int64)).sum(1).max())
        self._weight = weight.T.astype(np.float32 if largest_sum < EXACT_IN_FLOAT32 else np.float64, order="C")
        self._scale, self._bias = scale, bias

    def __call__(self, x: NDArray[np.int8], bias_rows: Sequence[int]) -> NDArray[np.float32]:
        """(rows, width) -> (rows, size)."""
        acc = (x.astype(self._weight.dtype) @ self._weight).astype(np.float32)
        return acc * self._scale + self._bias[bias_rows]


class Row:
    """One text between two runs."""

    def __init__(self, model: Model, sampler: "Sampler", start: Start) -> None:
        self.model, self.sampler, self.start = model, sampler, start
        self.position, self.remembered = start.state.position, start.state.remembered
        self.has_sampled = False

    def begin(self, advance: Advance, outputs: NDArray[np.int8]) -> "Walk":
        """Its part in a run that begins with these outputs."""
        return Walk(self, advance, outputs)

    def end(self, walk: "Walk") -> None:
        """Take what a run did."""
        state = walk.state(walk.advance.sampled)
        self.position, self.remembered = state.position, state.remembered
        self.has_sampled |= walk.advance.sampled > 0


class Walk:
    """One row's part in one run: its text, the states that it passes, and what its characters cost."""

    def __init__(self, row: Row, advance: Advance, outputs: NDArray[np.int8]) -> None:
        self.advance = advance
        self._model, self._sampler, self._start, self._first = row.model, row.sampler, row.start, row.position
        self._window, self._before = row.model.recall.window, len(row.remembered)
        given = np.concatenate([row.remembered, advance.skipped, advance.scored, np.zeros(advance.sampled, np.int64)])
        self._text = given.astype(remembered_type(row.model))
        self._rank = 0 if row.has_sampled else row.start.first_rank  # of the first sampled character, at temperature 0
        self._is_accounted = row.start.is_accounted or len(advance.scored) > 0
        self._account: list[tuple[int, float, bool]] = []
        self._passed = [] if advance.forced else [outputs.copy()]

    def needs_output(self, step: int) -> bool:
        """Whether the character is scored or sampled, not skipped."""
        return step >= len(self.advance.skipped)

    def forced(self, step: int) -> int:
        """The character that is given."""
        return int(self._text[self._before + step])

    def choose(self, q: Ints, step: int) -> int:
        """The character, given or drawn, accounted for where that is wanted."""
        favourite = self._favourite(step)
        if step < self.advance.forced:
            character = self.forced(step)
        else:
            character = self._draw(q, favourite, step)
            self._text[self._before + step] = character
        if self._is_accounted:
            self._account.append(self._sampler.account(q, character, favourite))
        return character

    def _favourite(self, step: int) -> Favourite:
        if not self._window:
            return Favourite()
        found = recalled(self._seen(step))
        return Favourite(found.character, self._model.recall.odds_of(found, self._model.vocabulary.unknown))

    def _seen(self, step: int) -> NDArray[np.uint8 | np.uint32]:
        """The last characters before a step, as many as the window holds."""
        end = self._before + step
        return self._text[max(0, end - self._window) : end]

    def _draw(self, q: Ints, favourite: Favourite, step: int) -> int:
        start = self._start
        if start.sampling.is_greedy:
            rank = self._rank if step == self.advance.forced else 0
            return int(self._sampler.ranking(q, self._sampler.weights(q, FRACTION, favourite))[rank])
        return self._sampler.sample(q, start.sampling, word(start.seed, self._first + step, start.alternative), favourite)

    def note(self, step: int, outputs: NDArray[np.int8]) -> None:
        """Keep the state after a step if it may be asked for."""
        if step + 1 >= self.advance.forced:
            self._passed.append(outputs.copy())

    def drawn(self) -> list[int]:
        """The sampled characters."""
        return self._text[self._before + self.advance.forced :].tolist()

    def account(self) -> Account:
        """Of the scored and the sampled characters; empty unless wanted."""
        if not self._account:
            return NO_ACCOUNT
        surprises, log_probabilities, is_recalled = zip(*self._account, strict=True)
        return Account(np.array(surprises, np.int64), np.array(log_probabilities), np.array(is_recalled, np.bool_))

    def state(self, sampled: int) -> State:
        """The state after `sampled` of the sampled characters."""
        steps = self.advance.forced + sampled
        return State(self._passed[sampled], self._first + steps, self._seen(steps).copy())

    def passage(self) -> Passage:
        """All of these states."""
        return Passage(np.stack(self._passed), self._first + self.advance.forced)


class Sampler:
    """LAW.md, Sampling, for the logits (outputs,) of one row."""

    def __init__(self, tables: Tables) -> None:
        self._exp = np.append(tables.exp, 0).astype(np.int64)  # 0 past its end
        self._log = tables.log

    def weights(self, q: Ints, inverse_temperature: int, favourite: Favourite) -> Ints:
        """w, with what recall adds to the favourite's."""
        d = ((q.max() - q) * inverse_temperature) >> 16
        w = self._exp[np.minimum(d, len(self._exp) - 1)]
        if favourite.odds:
            w[favourite.character] += (int(w.sum()) * favourite.odds) >> 16
        return w

    def ranking(self, q: Ints, w: Ints) -> Ints:
        """The characters by (w descending, q descending, index ascending)."""
        return np.lexsort((-q, -w))

    def sample(self, q: Ints, sampling: Sampling, u: int, favourite: Favourite) -> int:
        """The character that word 0 of Philox draws."""
        w = self.weights(q, sampling.inverse_temperature, favourite)
        if sampling.truncates:
            w = truncated(w, self.ranking(q, w), sampling)
        running = w.cumsum()
        threshold = u * int(running[-1]) >> 32
        return int(np.searchsorted(running, threshold, side="right"))  # the first whose running sum exceeds it

    def account(self, q: Ints, character: int, favourite: Favourite) -> tuple[int, float, bool]:
        """Surprise, log-probability, and whether the character is the favourite."""
        if character >= len(q):
            return UNKNOWN_SURPRISE, -UNKNOWN_NATS, False
        w = self.weights(q, FRACTION, favourite)
        is_favourite = favourite.odds > 0 and character == favourite.character
        depth = self._depth(int(w[character])) if is_favourite else int(q.max() - q[character])
        surprise = depth + int(np.searchsorted(self._log, int(w.sum()), side="right"))
        return surprise, log_probability(q, character, favourite.odds / ODDS_UNIT, is_favourite), is_favourite

    def _depth(self, w: int) -> int:
        """The least d with EXP[d] <= w; below 0, by LOG, where w exceeds EXP[0]."""
        if w > ONE:
            return -int(np.searchsorted(self._log, w, side="right"))
        return int(np.searchsorted(-self._exp, -w))


def truncated(w: Ints, ranking: Ints, sampling: Sampling) -> Ints:
    """The weights with all but top-k, top-p and min-p set to 0."""
    kept = ranking[: sampling.top_k or None]
    ranked = w[kept]
    running = ranked.cumsum()
    keep = (running - ranked) * FRACTION < sampling.top_p * running[-1]
    keep &= ranked * FRACTION >= sampling.min_p * ranked[0]
    keep[0] = True
    survivors = np.zeros_like(w)
    survivors[kept[keep]] = ranked[keep]
    return survivors


def log_probability(q: Ints, character: int, odds: float, is_favourite: bool) -> float:
    """The natural logarithm of the probability at temperature 1."""
    scaled = (q - q.max()) / UNIT
    plain = float(scaled[character]) - math.log(np.exp(scaled).sum())
    return (math.log(math.exp(plain) + odds) if is_favourite else plain) - math.log1p(odds)


class NumpyOutcome:
    """What the rows did."""

    def __init__(self, walks: Sequence[Walk]) -> None:
        self._walks = walks

    def characters(self, index: int) -> list[int]:
        """The characters that the row sampled."""
        return self._walks[index].drawn()

    def account(self, index: int) -> Account:
        """Of the scored and the sampled characters of the row; empty unless it is accounted or characters were scored."""
        return self._walks[index].account()

    def state(self, index: int, sampled: int) -> State:
        """The row's state after `sampled` of its sampled characters (0: after the forced ones)."""
        return self._walks[index].state(sampled)

    def passage(self, index: int) -> Passage:
        """All of these states."""
        return self._walks[index].passage()
