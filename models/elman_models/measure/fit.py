"""What a model learns from text that its network was not trained on: what recall is worth in each class, and from which
probability on ghost text is worth showing. Needs no torch.

    cost(lambda) = - sum ln((1 - lambda) p + lambda [the recalled character came])      over the places of a class
                   - STRENGTH (m ln lambda + (1 - m) ln(1 - lambda))                    m: what is usual in that class

p is the network's own probability of what came. Both terms are convex, so the best lambda is where the slope is 0; with few
places it stays near what is usual (a beta prior), so that little text gains too. Probabilities come from the surprises of the
law, which are whole numbers, so every execution finds the same odds.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from elman_models.execution.choice import open_execution
from elman_models.execution.protocol import Advance, Start
from elman_models.execution.recollection import Recollection
from elman_models.law.artifact import Model
from elman_models.law.ghost import GhostSurprise
from elman_models.law.recall import LARGEST_ODDS, ODDS_UNIT, Recall
from elman_models.law.state import State
from elman_models.law.tables import UNIT, Tables
from elman_models.measure.cost import MOST_ROWS
from elman_models.measure.network_predictor import NetworkPredictor
from elman_models.measure.predictor import Indices
from elman_models.measure.typist import Habits, Typist

Floats: TypeAlias = NDArray[np.float64]
Cells: TypeAlias = NDArray[np.int64]


class Places(NamedTuple):
    """Places where something is recalled, each (places,)."""

    cells: Cells  # the class, counted along the odds
    came: Floats  # the probability of the character that came, without recall
    hits: NDArray[np.bool_]  # whether it was the recalled one


WINDOW = 8192
"""Characters that the models of today recall."""
STRENGTH = 20.0
"""As many places of a class as weigh what is usual there."""
USUAL = np.array(
    [
        [2, 4, 6, 12, 4, 5, 7, 12, 18],
        [7, 15, 24, 42, 4, 9, 13, 24, 33],
        [11, 24, 33, 61, 6, 16, 20, 34, 34],
        [14, 32, 40, 69, 9, 21, 26, 37, 45],
        [23, 43, 58, 80, 12, 19, 23, 43, 45],
        [27, 50, 68, 89, 11, 20, 24, 43, 45],
        [34, 62, 74, 93, 12, 23, 25, 31, 47],
        [38, 66, 78, 93, 13, 25, 30, 50, 64],
        [48, 72, 73, 91, 26, 36, 39, 50, 55],
        [52, 78, 77, 87, 13, 28, 36, 52, 39],
        [47, 74, 69, 87, 14, 33, 30, 48, 40],
        [62, 69, 67, 70, 22, 45, 37, 56, 50],
    ]
)
"""The usual lambda of each length and agreement, in percent: the mean of three models (Python, novels, plays), each fitted by
itself."""
USUAL_FACTORS = np.array([[2.2, 2.2, 1.4], [0.8, 0.8, 0.5], [0.4, 0.4, 0.26]])
"""How many times the odds are as large in each class of the rival and of the distance.

By the mean of the three models they would be twice as large at the least distance. But people rarely repeat a long run at once,
so what is usual decides there, and a model that draws on and on would circle.
"""

LESS_THAN_USUAL = (0.5, 0.25, 0.0)
CLEARLY = 0.001
"""Nats a character by which less than usual must be better, to be believed."""

GHOST_CONFIDENCE = (0.1, 0.2)
"""From which probability on ghost text is worth showing, in a word and beyond, where there is too little text to tell."""
GHOST_CONFIDENCES = (0.05, 0.07, 0.1, 0.12, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.5, 0.6)
GHOST_CHARACTERS = 20_000
"""With less text than this, the best confidence is more chance than knowledge."""
LARGEST_LAMBDA = LARGEST_ODDS / (LARGEST_ODDS + ODDS_UNIT)
CHUNK = 1024
HALVINGS = 40


class Usual(NamedTuple):
    """What holds of a model as long as little is known of it: what the model has that it began from, if there is one."""

    odds: NDArray[np.int32]  # of its recall
    ghost_surprise: GhostSurprise

    @classmethod
    def in_model(cls, model: Model) -> "Usual | None":
        """What a model that begins from this one takes over; nothing from one that recalls nothing."""
        return cls(model.recall.odds, model.ghost_surprise) if model.recall.window else None

    @property
    def lambdas(self) -> Floats:
        """In the shape of the odds."""
        return self.odds / (self.odds + float(ODDS_UNIT))


def fitted(model: Model, documents: Sequence[str], window: int = WINDOW, usual: Usual | None = None) -> Model:
    """The model with the odds and the ghost text that suit these documents best; with what is usual where there are none."""
    return with_ghost_surprise(with_recall(model, documents, window, usual), documents, usual)


def with_recall(model: Model, documents: Sequence[str], window: int = WINDOW, usual: Usual | None = None) -> Model:
    """The model with the odds that suit these documents best."""
    recall = Recall.of(window, np.zeros(Recall.SHAPES["odds"], np.int32))
    texts = [text for document in documents if len(text := model.vocabulary.encode(document))]
    came = (np.exp(-surprises / UNIT) for surprises in surprises_of(replace(model, recall=Recall.none()), texts))
    lambdas = usual.lambdas if usual else usual_lambdas()
    return replace(model, recall=suited(recall, texts, came, model.vocabulary.unknown, lambdas))


def suited(recall: Recall, texts: Sequence[Indices], came: Iterable[Floats], unknown: int, usual: Floats) -> Recall:
    """With the odds that suit texts best, to each of whose characters a predictor gave some probability without recall.

    `usual` are the lambdas that hold where the texts say little.
    """
    found = places(recall, texts, came, unknown)
    best = best_lambdas(found, usual)
    for share in LESS_THAN_USUAL:  # where a network is surer than most, what is usual elsewhere is too much
        lambdas = best_lambdas(found, share * usual)
        if cost(found, lambdas) < cost(found, best) - CLEARLY * sum(map(len, texts)):
            best = lambdas
    odds = np.array([odds_of(each) for each in best], np.int32).reshape(recall.odds.shape)
    return replace(recall, odds=odds)


def usual_lambdas() -> Floats:
    """The usual lambda of each class, in the shape of the odds."""
    odds = (USUAL / (100 - USUAL))[:, :, None, None] * USUAL_FACTORS
    return odds / (1 + odds)


def best_lambdas(found: Places, usual: Floats) -> Floats:
    """The best lambda of each class, (classes,)."""
    cells, came, hits = found
    return np.array([best_lambda(came[cells == cell], hits[cells == cell], each) for cell, each in enumerate(usual.flat)])


def cost(found: Places, lambdas: Floats) -> float:
    """What the characters cost where something is recalled, in nats."""
    cells, came, hits = found
    share = lambdas[cells]
    return -float(np.log((1 - share) * came + share * hits).sum())


def with_ghost_surprise(model: Model, documents: Sequence[str], usual: Usual | None = None) -> Model:
    """The model that ends ghost text where the simulated typist saves most keys on these documents."""
    tables = model.tables
    if sum(map(len, documents)) < GHOST_CHARACTERS:
        return replace(model, ghost_surprise=usual.ghost_surprise if usual else usual_ghost_surprise(tables))
    predictor = NetworkPredictor(model, open_execution(model, MOST_ROWS, "cpu"))
    readings = predictor.read([model.vocabulary.encode(document) for document in documents])
    surprises = [tables.largest_surprise(confidence) for confidence in GHOST_CONFIDENCES]

    def keys(own: GhostSurprise) -> int:
        return Typist(Habits(), model.vocabulary, own).enter(documents, readings).keys

    beyond = min((GhostSurprise(each, each) for each in surprises), key=keys).beyond
    in_word = min((GhostSurprise(each, beyond) for each in surprises), key=keys).in_word
    return replace(model, ghost_surprise=min((GhostSurprise(in_word, each) for each in surprises), key=keys))


def usual_ghost_surprise(tables: Tables) -> GhostSurprise:
    """Where ghost text ends as long as nothing is known of its worth."""
    return GhostSurprise(*map(tables.largest_surprise, GHOST_CONFIDENCE))


def places(recall: Recall, texts: Sequence[Indices], came: Iterable[Floats], unknown: int) -> Places:
    """All places of some texts where something is recalled."""
    cells, chances, hits = [np.zeros(0, np.int64)], [np.zeros(0)], [np.zeros(0, np.bool_)]
    for text, probabilities in zip(texts, came, strict=True):
        recollection = Recollection.along(text, recall.window)
        at, own = recollection.classes(recall, unknown)[:-1], recollection.characters[:-1]
        where = np.flatnonzero((at >= 0) & (text != unknown))
        cells.append(at[where])
        chances.append(probabilities[where])
        hits.append(own[where] == text[where])
    return Places(np.concatenate(cells), np.concatenate(chances), np.concatenate(hits))


def surprises_of(model: Model, texts: Sequence[Indices]) -> Iterator[NDArray[np.int64]]:
    """What each character of each text costs, in 1/256 nat."""
    execution = open_execution(model, min(MOST_ROWS, len(texts)) or 1, "cpu")
    for first in range(0, len(texts), MOST_ROWS):
        several = texts[first : first + MOST_ROWS]
        found: list[list[NDArray[np.int64]]] = [[] for _ in several]
        for row in range(len(several)):
            execution.load(row, Start(State.initial(model), is_accounted=True))
        for start in range(0, max(map(len, several)), CHUNK):
            rows = [row for row, text in enumerate(several) if len(text) > start]
            outcome = execution.run([Advance(row, scored=several[row][start : start + CHUNK]) for row in rows])
            for index, row in enumerate(rows):
                found[row].append(outcome.account(index).surprises.copy())
        yield from map(np.concatenate, found)


def best_lambda(came: Floats, hits: NDArray[np.bool_], usual: float) -> float:
    """Where the cost of a class is least."""
    low, high = 0.0, 1.0
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if slope(middle, came, hits, usual) < 0 else (low, middle)
    return min(low, LARGEST_LAMBDA)


def slope(share: float, came: Floats, hits: NDArray[np.bool_], usual: float) -> float:
    """By how much the cost of a class rises with lambda."""
    gained = float(((1 - came[hits]) / (came[hits] + share * (1 - came[hits]))).sum())
    lost = float(np.count_nonzero(~hits)) / (1 - share)
    return lost - gained - STRENGTH * (usual / share - (1 - usual) / (1 - share))


def odds_of(share: float) -> int:
    """lambda / (1 - lambda), in 1/65536."""
    return round(ODDS_UNIT * share / (1 - share))
