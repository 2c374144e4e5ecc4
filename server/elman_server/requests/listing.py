"""What ListModels answers."""

import json
from typing import Any

from elman.v1 import completion_service_pb2 as pb
from elman_models.law.artifact import SEMANTICS_VERSION, Model
from elman_models.law.state import state_bytes
from elman_server.requests.catalogue import Catalogue, Served
from elman_server.requests.completion import model_of


def list_models(catalogue: Catalogue) -> pb.ListModelsResponse:
    """The served models, the default first."""
    return pb.ListModelsResponse(models=[describe(served) for served in catalogue])


def describe(served: Served) -> pb.ModelDescription:
    """What a client is told of one model."""
    model = served.model
    return pb.ModelDescription(
        model=model_of(served),
        semantics_version=SEMANTICS_VERSION,
        layer_sizes=[layer.size for layer in model.structure.layers],
        vocabulary=model.vocabulary.characters,
        state_bytes=state_bytes(model),
        about_json=json.dumps(told_of(model), sort_keys=True, ensure_ascii=False),
    )


def told_of(model: Model) -> dict[str, Any]:
    """What the file says of the model, but the imprints of its training text: callers have no business with it."""
    return {name: value for name, value in model.about.items() if name != "imprints"}
