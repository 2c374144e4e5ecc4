"""The reference execution: LAW.md in plain torch, on a CPU or a GPU. It defines what the others must equal.

States and weights are whole numbers in float32, where every sum is exact as long as 127 * sum|row| < 2^24; a matrix that
exceeds this is kept in float64. So no order of summation, thread count or batch can change a bit.

It stays plain, and is quick by doing less: weights lie as the product reads them, and a step does only what some row needs.
"""

# torch leaves many of its members without a type:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from elman_models.execution.plan import DrawInputs, Plan
from elman_models.execution.protocol import NO_ACCOUNT, Account, Advance, Passage, Start
from elman_models.execution.recall import Favourites, Recaller
from elman_models.law.artifact import Model
from elman_models.law.recall import ODDS_UNIT
from elman_models.law.sampling import FRACTION, Sampling
from elman_models.law.state import NOTHING_REMEMBERED, Remembered, State, remembered
from elman_models.law.tables import LOGIT_REACH, TANH_REACH, UNIT, UNKNOWN_NATS

EXACT_IN_FLOAT32 = 1 << 24
MOST_OUTPUTS_AT_ONCE = 128
"""Their weights, of 2^24 at most each, times a 32-bit number stay below 2^63."""
UNKNOWN_SURPRISE = round(UNIT * UNKNOWN_NATS)


class IntegerNetwork:
    """The forward pass of LAW.md, Model, over a batch of states."""

    def __init__(self, model: Model, device: torch.device) -> None:
        self._structure = model.structure
        self._layers = [Affine(layer.weight, layer.scale, layer.bias, device) for layer in model.layers]
        self._output = Affine(model.output.weight, model.output.scale, model.output.bias[None], device)
        self._tanh = torch.from_numpy(model.tables.tanh).to(device, torch.float32)
        self._spans = [model.structure.span(index) for index in range(len(self._layers))]
        self._output_reads_all = model.structure.output_inputs == tuple(range(len(self._layers)))

    def step(self, states: Tensor, characters: Tensor) -> Tensor:
        """The states (rows, state size) after one character each (rows,)."""
        outputs: list[Tensor] = []
        for layer, affine, span in zip(self._structure.layers, self._layers, self._spans, strict=True):
            x = concatenate([*(outputs[i] for i in layer.inputs), states[:, span]])  # (rows, width)
            a = affine(x, characters if layer.reads_character else None)
            outputs.append(self._activate(a))
        return concatenate(outputs)

    def _activate(self, a: Tensor) -> Tensor:
        """h = TANH[clamp(rint(a), -1024, 1024) + 1024]."""
        index = a.round_().clamp_(-TANH_REACH, TANH_REACH).add_(TANH_REACH).to(torch.int32)
        return self._tanh.index_select(0, index.view(-1)).view(index.shape)

    def logits(self, states: Tensor) -> Tensor:
        """q (rows, outputs), in 1/256 nat, as int64."""
        parts = [states] if self._output_reads_all else [states[:, self._spans[i]] for i in self._structure.output_inputs]
        return self._output(concatenate(parts), None).round_().clamp_(-LOGIT_REACH, LOGIT_REACH).to(torch.int64)


def concatenate(parts: Sequence[Tensor]) -> Tensor:
    """The parts side by side; a single one as it is."""
    return parts[0] if len(parts) == 1 else torch.cat(tuple(parts), dim=1)


class Affine:
    """fl(fl(acc * scale) + bias), acc = M x exact."""

    def __init__(
        self, weight: NDArray[np.int8], scale: NDArray[np.float32], bias: NDArray[np.float32], device: torch.device
    ) -> None:
        largest_sum = 127 * int(np.abs(weight.astype(np.int64)).sum(1).max())
        exact = torch.float32 if largest_sum < EXACT_IN_FLOAT32 else torch.float64
        self._weight = torch.from_numpy(weight).to(device, exact).T.contiguous()  # (width, size): the faster way to lie
        self._scale = torch.from_numpy(scale).to(device)
        self._bias = torch.from_numpy(bias).to(device)

    def __call__(self, x: Tensor, characters: Tensor | None) -> Tensor:
        """(rows, width) -> (rows, size); the bias row is the character's where characters are given."""
        acc = torch.mm(x.to(self._weight.dtype), self._weight).to(torch.float32)
        bias = self._bias if characters is None else self._bias.index_select(0, characters)
        return acc.mul_(self._scale).add_(bias)


class Sampler:
    """LAW.md, Sampling, over a batch of logits."""

    def __init__(self, model: Model, device: torch.device) -> None:
        exp = np.append(model.tables.exp, 0).astype(np.int64)  # 0 past its end
        self._exp = torch.from_numpy(exp).to(device)
        self._log = torch.from_numpy(model.tables.log).to(device)
        is_small = len(model.vocabulary) <= MOST_OUTPUTS_AT_ONCE and not model.recall.window
        self._scale_down = scale_down if is_small else scale_down_by_halves

    def sample(
        self, q: Tensor, u: Tensor, rank: Tensor | None, settings: "SamplingColumns", favourites: Favourites | None = None
    ) -> Tensor:
        """The character of each row, (rows,); q is (rows, outputs), u (rows, 1) is word 0 of Philox.

        rank (rows, 1) is what a row takes at temperature 0; None: all take rank 0.
        """
        d = q.amax(1, keepdim=True) - q
        w = favoured(self._weights((d * settings.inverse_temperature) >> 16), favourites)
        ranking = rank_of(w, q) if rank is not None or settings.truncates else None
        greedy = self._greedy(w, q, ranking, rank, favourites) if settings.is_greedy_somewhere else None
        if ranking is not None and settings.truncates:
            w = truncate(w, ranking, settings)
        running = w.cumsum(1)
        threshold = self._scale_down(u, running[:, -1:])
        drawn = torch.searchsorted(running, threshold, right=True).squeeze(1)  # the first whose running sum exceeds it
        return drawn if greedy is None else torch.where(settings.is_greedy, greedy, drawn)

    def _greedy(
        self, w: Tensor, q: Tensor, ranking: Tensor | None, rank: Tensor | None, favourites: Favourites | None
    ) -> Tensor:
        """What temperature 0 takes, (rows,), by the weights of temperature 1."""
        if rank is not None and ranking is not None:
            return ranking.gather(1, rank).squeeze(1)
        best = q.argmax(1)
        if favourites is None:
            return best
        is_ahead = w.gather(1, favourites.characters) > self._exp[0]  # a tie goes to the larger logit
        return torch.where(is_ahead, favourites.characters, best[:, None]).squeeze(1)

    def _weights(self, d: Tensor) -> Tensor:
        """EXP[d], 0 past its end."""
        index = d.clamp_max_(len(self._exp) - 1)
        return self._exp.index_select(0, index.view(-1)).view(d.shape)

    def _depth(self, w: Tensor) -> Tensor:
        """The least d with EXP[d] <= w; below 0, by LOG, where w exceeds EXP[0]."""
        depth = torch.searchsorted(-self._exp, -w)
        return torch.where(w > self._exp[0], -torch.searchsorted(self._log, w, right=True), depth)

    def account(self, q: Tensor, characters: Tensor, favourites: Favourites | None = None) -> tuple[Tensor, Tensor, Tensor]:
        """Surprise (1/256 nat) and log-probability of one character a row, at temperature 1, without truncation; whether it is
        the favourite.
        """
        outputs = q.shape[1]
        chosen = characters.clamp_max(outputs - 1)[:, None]
        d = q.amax(1, keepdim=True) - q
        w = favoured(self._weights(d.clone()), favourites)
        depth = d.gather(1, chosen)
        log_probability = torch.log_softmax(q.to(torch.float64) / UNIT, dim=1).gather(1, chosen)
        is_favourite = torch.zeros_like(chosen, dtype=torch.bool)
        if favourites is not None:
            is_favourite = (characters[:, None] == favourites.characters) & (favourites.odds > 0)
            depth = torch.where(is_favourite, self._depth(w.gather(1, chosen)), depth)
            odds = favourites.odds.to(torch.float64) / ODDS_UNIT
            log_probability = (log_probability.exp() + odds * is_favourite).log() - odds.log1p()
        surprise = depth + torch.searchsorted(self._log, w.sum(1, keepdim=True), right=True)
        is_unknown = (characters >= outputs)[:, None]
        surprise = surprise.masked_fill(is_unknown, UNKNOWN_SURPRISE)
        log_probability = log_probability.masked_fill(is_unknown, -UNKNOWN_NATS)
        return surprise.squeeze(1), log_probability.squeeze(1), is_favourite.squeeze(1)


def favoured(w: Tensor, favourites: Favourites | None) -> Tensor:
    """The weights with what recall adds to the favourite's."""
    if favourites is None:
        return w
    return w.scatter_add(1, favourites.characters, (w.sum(1, keepdim=True) * favourites.odds) >> 16)


def rank_of(w: Tensor, q: Tensor) -> Tensor:
    """The characters by (w descending, q descending, index ascending)."""
    by_logit = torch.sort(q, dim=1, descending=True, stable=True).indices
    return by_logit.gather(1, torch.sort(w.gather(1, by_logit), dim=1, descending=True, stable=True).indices)


def truncate(w: Tensor, ranking: Tensor, settings: "SamplingColumns") -> Tensor:
    """The weights with all but top-k, top-p and min-p set to 0; the ranking is that of `rank_of`."""
    ranked = w.gather(1, ranking)
    ranks = torch.arange(w.shape[1], device=w.device)
    ranked = ranked * (ranks < settings.top_k)
    running = ranked.cumsum(1)
    before = running - ranked
    keep = before * FRACTION < settings.top_p * running[:, -1:]
    keep &= ranked * FRACTION >= settings.min_p * ranked[:, :1]
    keep[:, 0].fill_(True)
    return torch.zeros_like(w).scatter(1, ranking, ranked * keep)


def scale_down(u: Tensor, total: Tensor) -> Tensor:
    """(u * total) >> 32, where the product is below 2^63."""
    return (u * total) >> 32


def scale_down_by_halves(u: Tensor, total: Tensor) -> Tensor:
    """(u * total) >> 32, by halves, so that no product exceeds 63 bits."""
    return (u * (total >> 16) + ((u * (total & 0xFFFF)) >> 16)) >> 16


class SamplingColumns:
    """The sampling parameters of a batch of rows, each a column (rows, 1); what no row needs is known beforehand."""

    def __init__(self, table: Tensor, truncates: bool, is_greedy_somewhere: bool) -> None:
        self._table, self.truncates, self.is_greedy_somewhere = table, truncates, is_greedy_somewhere
        inverse_temperature, self.top_k, self.top_p, self.min_p = table.split(1, dim=1)
        self.is_greedy = inverse_temperature.squeeze(1) == 0
        self.inverse_temperature = inverse_temperature.masked_fill(inverse_temperature == 0, FRACTION)  # 0 ranks as 1 does

    @classmethod
    def of(cls, samplings: Sequence[Sampling], outputs: int, device: torch.device) -> "SamplingColumns":
        """The settings of rows with these parameters."""
        table = torch.tensor([parameters(sampling, outputs) for sampling in samplings]).to(device)
        return cls(table, any(s.truncates for s in samplings), any(s.is_greedy for s in samplings))

    def first(self, rows: int) -> "SamplingColumns":
        """Those of the first rows."""
        return SamplingColumns(self._table[:rows], self.truncates, self.is_greedy_somewhere)


def parameters(sampling: Sampling, outputs: int) -> tuple[int, int, int, int]:
    """A row of the table of settings."""
    return sampling.inverse_temperature, sampling.top_k or outputs, sampling.top_p, sampling.min_p


def use_threads(threads: int) -> None:
    """How many threads one operation may use. No character depends on it."""
    torch.set_num_threads(threads)


class Reference:
    """The reference execution of the `Execution` protocol."""

    def __init__(self, model: Model, rows: int, device: str = "cpu") -> None:
        self.name = f"reference {device}"
        self._model = model
        self._device = torch.device(device)
        self._network = IntegerNetwork(model, self._device)
        self._sampler = Sampler(model, self._device)
        self._recaller = Recaller(model, self._device, may_look=True)
        self._outputs = len(model.vocabulary)
        self._states = torch.zeros(rows, model.structure.state_size, device=self._device)
        self._starts: dict[int, Start] = {}
        self._positions = [0] * rows
        self._remembered: list[Remembered] = [NOTHING_REMEMBERED] * rows
        self._has_sampled = [False] * rows
        self._last_samplings: list[Sampling] = []
        self._last_settings: SamplingColumns | None = None

    def load(self, row: int, start: Start) -> None:
        """Put a text into a row, whatever was there before."""
        self._states[row] = torch.from_numpy(start.state.outputs.astype(np.float32)).to(self._device)
        self._starts[row] = start
        self._positions[row] = start.state.position
        self._remembered[row] = start.state.remembered
        self._has_sampled[row] = False

    @torch.inference_mode()
    def run(self, advances: Sequence[Advance]) -> "ReferenceOutcome":
        """Move the rows, each named at most once, by at least one character each."""
        plan = Plan(advances)
        starts = [self._starts[row] for row in plan.rows]
        positions = [self._positions[row] for row in plan.rows]
        rows = torch.tensor(plan.rows, device=self._device)
        run = self._prepare(plan, starts, positions, self._states.index_select(0, rows))
        for step, moving in enumerate(plan.moving()):
            run.shrink(moving)
            self._step(run, step)
        self._states.index_copy_(0, rows, run.final_states)
        outcome = ReferenceOutcome(self._model, run, positions, [self._remembered[row] for row in plan.rows])
        self._move(plan, outcome)
        return outcome

    def _prepare(self, plan: Plan, starts: Sequence[Start], positions: Sequence[int], states: Tensor) -> "ReferenceRun":
        words = plan.draw(starts, positions) if plan.samples_somewhere else None
        draws = DrawInputs(words, self._ranks(plan, starts))
        is_accounted = any(start.is_accounted for start in starts) or any(len(a.scored) for a in plan.advances)
        windows = self._recaller.windows([self._remembered[row] for row in plan.rows])
        return ReferenceRun(plan, states, windows, draws, self._settings([start.sampling for start in starts]), is_accounted)

    def _settings(self, samplings: list[Sampling]) -> SamplingColumns:
        """Made anew only where the parameters changed."""
        if self._last_settings is None or samplings != self._last_samplings:
            self._last_samplings = samplings
            self._last_settings = SamplingColumns.of(samplings, self._outputs, self._device)
        return self._last_settings

    def _ranks(self, plan: Plan, starts: Sequence[Start]) -> NDArray[np.int64] | None:
        """What each row takes at temperature 0, (steps, rows): its first rank at its first sampled character, then 0."""
        ranks = None
        for slot, (advance, start) in enumerate(zip(plan.advances, starts, strict=True)):
            if start.first_rank and advance.sampled and not self._has_sampled[advance.row]:
                ranks = np.zeros((plan.steps, len(plan.rows)), np.int64) if ranks is None else ranks
                ranks[advance.forced, slot] = start.first_rank
        return ranks

    def _step(self, run: "ReferenceRun", step: int) -> None:
        """q = V h; choose or take the character; h' = tanh(U x + W h + b)."""
        q = self._network.logits(run.states) if run.plan.needs_output[step] else None
        favourites = None if q is None else self._recaller.favourites(run.windows)
        characters = run.forced(step) if q is None else self._characters(run, q, favourites, step)
        if q is not None and run.accounts:
            run.accounts.note(step, *self._sampler.account(q, characters, favourites))
        run.advance(characters, self._network.step(run.states, characters), self._recaller.after(run.windows, characters))

    def _characters(self, run: "ReferenceRun", q: Tensor, favourites: Favourites | None, step: int) -> Tensor:
        """Those that are given and, where there are none, those that are drawn."""
        if not run.plan.samples[step]:
            return run.forced(step)
        drawn = self._sampler.sample(q, run.words(step), run.ranks(step), run.settings, favourites)
        if step >= run.plan.all_forced:
            return drawn
        forced = run.forced(step)
        return torch.where(forced < 0, drawn, forced)

    def _move(self, plan: Plan, outcome: "ReferenceOutcome") -> None:
        for index, advance in zip(plan.order, plan.advances, strict=True):
            self._positions[advance.row] += advance.steps
            self._remembered[advance.row] = outcome.remembered(index, advance.sampled)
            self._has_sampled[advance.row] |= advance.sampled > 0


class ReferenceRun:
    """What one call of `run` works on; all of it stays on the device until it is asked for."""

    def __init__(
        self, plan: Plan, states: Tensor, windows: Tensor, draws: DrawInputs, settings: SamplingColumns, is_accounted: bool
    ) -> None:
        self.plan, self.settings = plan, settings
        self.states = states  # (rows still moving, state size)
        self.windows = windows  # (rows still moving, window)
        self._moving = len(plan.rows)
        self._ended: list[Tensor] = []
        self._forced = torch.from_numpy(plan.forced()).to(states.device).unbind(0) if plan.all_forced else ()
        self._words = () if draws.words is None else columns(draws.words, states.device)
        self._ranks = None if draws.ranks is None else columns(draws.ranks, states.device)
        self.accounts = Accounts(plan.steps, self._moving, states.device) if is_accounted else None
        self._characters: list[Tensor] = []
        self.history = [states] if plan.samples_somewhere else None

    def shrink(self, rows: int) -> None:
        """Only the first rows go on; the others have reached their end."""
        if rows == self._moving:
            return
        self._ended.append(self.states[rows:])
        self.states, self.windows, self.settings = self.states[:rows], self.windows[:rows], self.settings.first(rows)
        self._moving = rows

    def forced(self, step: int) -> Tensor:
        """The characters given to the moving rows, (rows,); -1: to be sampled."""
        return self._forced[step][: self._moving]

    def words(self, step: int) -> Tensor:
        """Word 0 of Philox for the moving rows, (rows, 1)."""
        return self._words[step][: self._moving]

    def ranks(self, step: int) -> Tensor | None:
        """What the moving rows take at temperature 0, (rows, 1); None: rank 0."""
        return None if self._ranks is None else self._ranks[step][: self._moving]

    def advance(self, characters: Tensor, states: Tensor, windows: Tensor) -> None:
        """Take the characters of a step, and the states and windows after them."""
        self.states, self.windows = states, windows
        if self.history is not None:
            self._characters.append(characters)
            self.history.append(states)

    @property
    def characters(self) -> Tensor:
        """All characters, (steps, rows); none if none was sampled."""
        if self.history is None:
            return self.states.new_zeros(0, len(self.plan.rows))
        return pad_sequence(self._characters, batch_first=True)

    @property
    def final_states(self) -> Tensor:
        """The states of all rows, each at its end, (rows, state size)."""
        return torch.cat([self.states, *reversed(self._ended)]) if self._ended else self.states


class Accounts:
    """What the characters are charged, (steps, rows)."""

    def __init__(self, steps: int, rows: int, device: torch.device) -> None:
        self.surprises = torch.zeros(steps, rows, dtype=torch.int64, device=device)
        self.log_probabilities = torch.zeros(steps, rows, dtype=torch.float64, device=device)
        self.is_recalled = torch.zeros(steps, rows, dtype=torch.bool, device=device)

    def note(self, step: int, surprises: Tensor, log_probabilities: Tensor, is_recalled: Tensor) -> None:
        """Take those of the rows that move."""
        self.surprises[step, : len(surprises)] = surprises
        self.log_probabilities[step, : len(surprises)] = log_probabilities
        self.is_recalled[step, : len(surprises)] = is_recalled

    def on_host(self) -> Account:
        """All of them, in one transfer each."""
        return Account(*(each.cpu().numpy() for each in (self.surprises, self.log_probabilities, self.is_recalled)))


def columns(numbers: NDArray[np.int64], device: torch.device) -> tuple[Tensor, ...]:
    """(steps, rows) -> a column (rows, 1) for each step."""
    return torch.from_numpy(numbers).to(device).unsqueeze(2).unbind(0)


class ReferenceOutcome:
    """What the rows did."""

    def __init__(
        self, model: Model, run: ReferenceRun, positions: Sequence[int], before: Sequence[NDArray[np.integer]]
    ) -> None:
        self._model, self._run, self._final_states = model, run, run.final_states
        self._positions, self._before = positions, before  # where the rows stood, and what they remembered
        self._slots = {index: slot for slot, index in enumerate(run.plan.order)}
        self._characters = run.characters.cpu().numpy().T.astype(np.int32)  # (rows, steps)
        self._accounts = run.accounts.on_host() if run.accounts else None

    def characters(self, index: int) -> list[int]:
        """The characters that the row sampled."""
        slot, advance = self._find(index)
        return self._characters[slot, advance.forced : advance.steps].tolist()

    def account(self, index: int) -> Account:
        """Of the scored and the sampled characters of the row; empty unless it is accounted or characters were scored."""
        slot, advance = self._find(index)
        if self._accounts is None:
            return NO_ACCOUNT
        part = slice(len(advance.skipped), advance.steps)
        surprises, log_probabilities, is_recalled = self._accounts
        return Account(surprises[part, slot], log_probabilities[part, slot], is_recalled[part, slot])

    def state(self, index: int, sampled: int) -> State:
        """The row's state after `sampled` of its sampled characters (0: after the forced ones)."""
        slot, advance = self._find(index)
        count = advance.forced + sampled
        states = self._final_states if self._run.history is None else self._run.history[count]
        outputs = states[slot].to(torch.int8).cpu().numpy()
        return State(outputs, self._positions[slot] + count, self.remembered(index, sampled))

    def remembered(self, index: int, sampled: int) -> Remembered:
        """What the row then remembers of its text."""
        slot, advance = self._find(index)
        drawn = self._characters[slot, advance.forced : advance.forced + sampled]
        return remembered(self._model, self._before[slot], advance.skipped, advance.scored, drawn)

    def passage(self, index: int) -> Passage:
        """All of these states."""
        slot, advance = self._find(index)
        states = [self.state(index, sampled) for sampled in range(advance.sampled + 1)]
        return Passage(np.stack([state.outputs for state in states]), self._positions[slot] + advance.forced)

    def _find(self, index: int) -> tuple[int, Advance]:
        slot = self._slots[index]
        return slot, self._run.plan.advances[slot]
