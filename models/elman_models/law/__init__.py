"""What a character means: the artifact, its structure, vocabulary and tables, sampling, chance and the state (models/LAW.md).

It runs nothing and reads no text. It may import the ground (`errors`, `atomic`) and numpy, never torch.
"""
