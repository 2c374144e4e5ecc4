"""The server: one request's way is config, server, service, completion, engine, metrics. Takes from `elman` only the stubs."""
