"""Everything that is worth knowing of a model on some text, beside what else would complete it, for `elman eval` and programs.

A predictor has the same `Figures` whether it is the artifact, an n-gram or PPM; an `Evaluation` is these, and what they depend
on. The honest rivals remember too: the best n-gram, with the same recall and odds that were fitted for it, and PPM that adapts
to each document. This file knows no command line and draws nothing.
"""

import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import chain
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from elman.progress import Tell, told, untold
from elman_models.corpus import Corpus, spread
from elman_models.execution.choice import open_execution
from elman_models.execution.protocol import Advance, Start
from elman_models.law.artifact import Model
from elman_models.law.recall import Recall
from elman_models.law.state import State
from elman_models.law.vocabulary import Vocabulary
from elman_models.measure.adapting import AdaptingPredictor
from elman_models.measure.calibration import Calibration, calibration
from elman_models.measure.cost import Costs, costs
from elman_models.measure.fit import suited, usual_lambdas
from elman_models.measure.gram_predictor import GramPredictor
from elman_models.measure.grams import Grams
from elman_models.measure.network_predictor import NetworkPredictor
from elman_models.measure.ngram import NGram, shorter_orders
from elman_models.measure.ppm import Ppm
from elman_models.measure.predictor import Indices, Predictor
from elman_models.measure.typist import Habits, Keystrokes, Typist

NGRAM_ORDERS = (4, 5, 6, 8, 12, 16)
PPM_ORDERS = (4, 5, 6, 7)
ADAPTING_ORDER = 6
BASELINES = len(NGRAM_ORDERS) + len(PPM_ORDERS) + 2
MOST_TRAINING = 10_000_000
"""At most this many characters train the baselines, unless more are asked for: pages spread over all that is given.

They are counted in a fifth of a kilobyte each."""
FLOAT_NETWORK = "float network"
WITHOUT_RECALL = "artifact without recall"
PACED = 1024
"""Characters by which the pace of an execution is taken."""


@dataclass(frozen=True, slots=True)
class Material:
    """The documents to be measured on, as text and as a vocabulary's indices."""

    documents: Sequence[str]
    texts: Sequence[Indices]

    @classmethod
    def of(cls, documents: Sequence[str], vocabulary: Vocabulary) -> "Material":
        """Raises ValueError if there is nothing to measure."""
        if not any(documents):
            raise ValueError("nothing to measure: the text is empty")
        return cls(documents, [vocabulary.encode(document) for document in documents])

    @property
    def characters(self) -> int:
        """The number of characters of all documents."""
        return sum(map(len, self.documents))


@dataclass(frozen=True, slots=True)
class Figures:
    """All that is measured of one predictor."""

    name: str
    costs: Costs
    keystrokes: Keystrokes
    calibration: Calibration
    reading_seconds: float

    def to_json(self) -> dict[str, Any]:
        """One flat mapping, the same for every predictor."""
        return {
            "name": self.name,
            **self.costs.to_json(),
            "keystrokes_saved": self.keystrokes.saved,
            "keys": self.keystrokes.keys,
            **asdict(self.keystrokes),
            "top_right": self.calibration.top_right,
            "expected_calibration_error": self.calibration.expected_error,
            "calibration": self.calibration.to_json(),
            "reading_seconds": self.reading_seconds,
        }


@dataclass(frozen=True, slots=True)
class Throughput:
    """Characters a second of one text in one thread."""

    consumed: float
    drawn: float

    def to_json(self) -> dict[str, float]:
        """Under full names."""
        return {"characters_per_second_consumed": self.consumed, "characters_per_second_drawn": self.drawn}


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What an artifact is worth on some documents, and what the figures depend on."""

    digest: str
    documents: int
    characters: int
    unknown_characters: int
    plain_characters: int  # those that are read in a plain form
    training_characters: int  # that train the baselines
    validation_characters: int  # that the odds of the n-gram with recall are fitted on; 0: it has the artifact's
    confidence: float  # the probability from which on ghost text is shown
    habits: Habits
    artifact_bytes: int
    throughput: Throughput
    artifact: Figures
    without_recall: Figures
    baselines: Sequence[Figures]
    float_costs: Costs | None = None  # of the checkpoint, where one was given

    def to_json(self) -> dict[str, Any]:
        """What `elman eval --json` prints."""
        report = {
            "digest": self.digest,
            "documents": self.documents,
            "characters": self.characters,
            "unknown_characters": self.unknown_characters,
            "plain_characters": self.plain_characters,
            "training_characters": self.training_characters,
            "validation_characters": self.validation_characters,
            "min_confidence": self.confidence,
            "max_characters": self.habits.max_characters,
            "whole_words": self.habits.whole_words,
            "artifact": {"bytes": self.artifact_bytes, **self.throughput.to_json(), **self.artifact.to_json()},
            "artifact_without_recall": self.without_recall.to_json(),
            "baselines": [each.to_json() for each in self.baselines],
        }
        return report | ({"float": {"name": FLOAT_NETWORK, **self.float_costs.to_json()}} if self.float_costs else {})


@dataclass(frozen=True, slots=True)
class Rest:
    """What the baselines learn from: the text that trains them, and text to fit an n-gram's odds on, which may be none."""

    training: Sequence[str] = ()
    validation: Sequence[str] = ()
    most: int | None = None  # characters that train; MOST_TRAINING if not said


def report(model: Model, path: Path, documents: Sequence[str], rest: Rest, habits: Habits, tell: Tell = untold) -> Evaluation:
    """Measure an artifact and, if there is text to train them on, the baselines. Raises ValueError for empty documents."""
    vocabulary, training = model.vocabulary, spread(Corpus(tuple(rest.training)), rest.most or MOST_TRAINING)
    material, typist = Material.of(documents, vocabulary), Typist(habits, vocabulary, model.ghost_surprise)
    plain = replace(model, recall=Recall.none())
    networks = [NetworkPredictor(model), NetworkPredictor(plain, name=WITHOUT_RECALL)]
    predictors = chain(networks, baselines(model, training, rest.validation, material.texts))
    count = len(networks) + (BASELINES if training else 0)
    artifact, without_recall, *others = (figures(each, material, typist) for each in told(predictors, count, tell))
    return Evaluation(
        digest=model.digest,
        documents=len(documents),
        characters=material.characters,
        unknown_characters=(unknown := sum(map(vocabulary.unknowns, material.texts))),
        plain_characters=sum(vocabulary.unknowns(vocabulary.exactly(each)) for each in documents) - unknown,
        training_characters=len(training),
        validation_characters=sum(map(len, rest.validation)),
        confidence=typist.confidence,
        habits=habits,
        artifact_bytes=path.stat().st_size,
        throughput=throughput(model, material.texts),
        artifact=artifact,
        without_recall=without_recall,
        baselines=others,
    )


def baselines(model: Model, training: str, validation: Sequence[str], texts: Sequence[Indices]) -> Iterator[Predictor]:
    """Kneser-Ney and PPM of several orders, trained on a text, and those that remember; none without a text."""
    if not training:
        return
    vocabulary = model.vocabulary
    longest = max(*NGRAM_ORDERS, max(PPM_ORDERS) + 1)
    grams = Grams.of(vocabulary.encode(training), len(vocabulary) + 1, longest)
    shorter = shorter_orders(grams, max(NGRAM_ORDERS) - 1)
    ngrams = [NGram(grams, order, shorter) for order in NGRAM_ORDERS]
    yield from (GramPredictor(each, vocabulary) for each in ngrams)
    yield from (GramPredictor(Ppm(grams, order), vocabulary) for order in PPM_ORDERS)
    recalling = [with_recall(each, model, validation) for each in ngrams]
    yield min(recalling, key=lambda each: each.nats(texts))
    yield AdaptingPredictor(grams, ADAPTING_ORDER, vocabulary)


def with_recall(ngram: NGram, model: Model, validation: Sequence[str]) -> GramPredictor:
    """An n-gram with the model's recall, its odds fitted for it on validation text; with the model's own odds without."""
    recall, vocabulary = model.recall, model.vocabulary
    texts = [text for document in validation if len(text := vocabulary.encode(document))]
    if texts:
        came = map(np.exp, map(np.negative, GramPredictor(ngram, vocabulary).costs(texts)))
        recall = suited(recall, texts, came, vocabulary.unknown, usual_lambdas())
    return GramPredictor(ngram, vocabulary, recall)


def figures(predictor: Predictor, material: Material, typist: Typist) -> Figures:
    """All figures of one predictor."""
    started = time.perf_counter()
    readings = predictor.read(material.texts)
    seconds = time.perf_counter() - started
    streaming = sum(float(reading.costs.sum()) for reading in readings) / material.characters
    return Figures(
        name=predictor.name,
        costs=costs(streaming, predictor.nats, material.texts),
        keystrokes=typist.enter(material.documents, readings),
        calibration=calibration(material.texts, readings),
        reading_seconds=seconds,
    )


def throughput(model: Model, texts: Sequence[Indices], repetitions: int = 5) -> Throughput:
    """Characters a second of one text in one thread: consumed, and drawn at temperature 0.8."""
    execution = open_execution(model, 1, "cpu")
    text = np.resize(np.concatenate(texts), PACED)
    ways = {"consumed": Advance(0, skipped=text), "drawn": Advance(0, sampled=PACED)}
    times: dict[str, list[float]] = {way: [] for way in ways}
    for _ in range(repetitions):
        for way, advance in ways.items():
            execution.load(0, Start(State.initial(model)))
            started = time.perf_counter()
            execution.run([advance])
            times[way].append(time.perf_counter() - started)
    return Throughput(**{way: PACED / median(values) for way, values in times.items()})
