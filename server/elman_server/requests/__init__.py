"""What a request means: every field is checked once, made canonical and turned into jobs; and what the answers say.

It knows no transport. It may import `telemetry`, `engine`, `config`, `errors` and the models.
"""
