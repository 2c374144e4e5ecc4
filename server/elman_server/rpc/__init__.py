"""The API over gRPC: which method the bytes are for, one call from its arrival to its end, and the status of what is refused.

Only this room and `server` know grpc. It may import every room but `server` and `embedded`.
"""
