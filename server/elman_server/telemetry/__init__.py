"""What operators see: one line of the log for each call, and the metrics that Prometheus scrapes. No text of any user.

It may import `engine`, whose statistics it shows, and the ground.
"""
