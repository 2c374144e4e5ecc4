"""What goes on inside a network: its states over a text, its units, how far back gradients reach, which characters are alike.

It asks executions and draws nothing. It may import `execution`, `law` and the ground, never torch.
"""
