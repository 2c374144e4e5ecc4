"""Elman networks as artifacts: the law of LAW.md, its executions, and training. Knows nothing of serving."""
