"""The command line: a module for each command, found by name when it is asked for.

A command is `add_arguments(parser)` and `run(namespace)`. It may import every other room; the other two packages by name only.
"""
