"""What a client and a server say to each other, and what the client says next: pure values and state machines.

It knows no transport, no thread and no clock. It may import `ranges`, `errors`, `settings` and the stubs `elman.v1`.
"""
