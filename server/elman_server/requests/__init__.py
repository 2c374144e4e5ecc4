"""What a request means: every field checked once, made canonical, and turned into jobs; and what answers say.

It knows no transport. It may import `engine` and the ground.
"""
