"""What is said between a caller and a server, and what to say next: pure values and state machines.

It knows no transport, no thread and no clock. It may import `errors` and the stubs `elman.v1` alone.
"""
