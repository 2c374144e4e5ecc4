"""What was measured, as pictures: a training curve, a report, an inspection. Needs matplotlib and measures nothing.

It may import `training`, `measure`, `inspection` and what they stand on.
"""
