"""The client for asyncio: calls, documents and hedging over a gRPC channel.

Its twin `sync` has the same names. It may import `channel`, `clock`, `protocol` and what lies below them, never `sync`.
"""
