"""The generated stubs of elman.v1; made by proto/generate.py."""
