"""Who may ask, and how they are told from others: where is listened, certificates, bearer tokens and their limits.

Only `tls` and `guard` know grpc. It may import `renewal`, `telemetry`, `engine`, `config` and `errors`.
"""
