"""The command line: a module for each command, found by name when it is asked for.

A command is `add_arguments(parser)` and `run(namespace)`. It may import every other room, and inside functions, under
`extra`, the other two packages.
"""
