"""How the shipped models are made again: their texts, the overlap that is cut, and their recipes.

`python -m elman_models.shipyard NAME` does it. It may import everything but `plots`; nothing imports it.
"""
