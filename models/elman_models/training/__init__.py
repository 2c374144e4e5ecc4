"""From a folder of text to a model file: the recipe, the float network, the run, its checkpoints, and the export.

It may import everything but `plots` and `shipyard`; torch lives here.
"""
