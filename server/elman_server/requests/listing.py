"""What ListModels answers."""

import json

from elman.v1 import completion_service_pb2 as pb
from elman_models.law.artifact import SEMANTICS_VERSION
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
        about_json=json.dumps(model.about, sort_keys=True, ensure_ascii=False),
    )
