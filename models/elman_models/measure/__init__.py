"""What a model is worth: nats a character, keystrokes saved, calibration, beside n-grams and PPM on the same text.

It asks executions and never trains. It may import `execution`, `law` and the ground, never torch.
"""
