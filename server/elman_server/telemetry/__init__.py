"""What operators see: one line of the log for each call, and the metrics that Prometheus scrapes. It holds no user's text.

It may import `engine`, whose statistics it shows, `config` and `errors`.
"""
