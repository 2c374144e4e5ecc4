"""The rows of all models, tick by tick: jobs wait for a row, move, tell their readers, and end.

It knows nothing of requests and nothing of gRPC. It may import `config`, `errors` and the models.
"""
