"""Several processes that serve at one port, and the parent that starts them, watches them and has them leave together.

The parent (`parent`) serves no call and imports no gRPC; a worker (`worker`) is a server like any other (`server`).
"""
