"""The client for threads: calls, documents and hedging over a gRPC channel, or over the engine in this process.

Its twin `aio` has the same names. It may import `channel`, `clock`, `protocol` and what lies below them, never `aio`.
"""
