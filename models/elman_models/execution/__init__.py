"""The law at work: rows of state that advance together, in C++, numpy or torch, or on a GPU, to the same byte.

`protocol` is the seam, `choice` opens what runs best here. It may import `law` and the ground; `native` and `numpy_execution`
need no torch.
"""
