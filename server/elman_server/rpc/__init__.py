"""The API over gRPC: bytes to methods, one call from arrival to end, and the statuses that refusals become.

Besides `server`, only this room knows grpc. It may import `follow`, `requests`, `engine`, `telemetry` and the ground.
"""
