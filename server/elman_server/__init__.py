"""The server: one engine that serves many callers over gRPC (`server`, `rpc`), or its own process alone (`embedded`).

A request travels from `rpc` through `follow` and `requests` to `engine`, and `telemetry` tells of it. Of `elman` this package
knows only the stubs (`elman.v1`) and how settings are made (`elman.settings`).
"""
