"""What of a person's files is worth training on: which files of a folder, which lines of a file, and what is there twice.

It knows paths and texts alone, and imports nothing of elman.
"""
