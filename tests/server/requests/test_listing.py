"""Laws of what callers are told of the models."""

import json
from dataclasses import replace

from elman_models.law.artifact import Model
from elman_server.requests.catalogue import Catalogue, Served
from elman_server.requests.listing import list_models


def test_callers_are_told_what_a_file_says_of_its_model_but_the_imprints_of_its_text(model: Model) -> None:
    told = replace(model, about={"licence": "free", "imprints": [{"every": 1, "bits": "AAAA"}]})
    (described,) = list_models(Catalogue([Served("notes", told)])).models
    assert json.loads(described.about_json) == {"licence": "free"}
