"""The rows of all models, tick by tick: jobs wait, move, tell and end. It knows nothing of requests and nothing of gRPC.

It may import `errors` and the models' executions.
"""
