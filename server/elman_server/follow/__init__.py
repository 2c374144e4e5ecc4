"""A document that is edited over one stream: its text, the states along it, and the attempts made for its newest revision.

It knows no transport and no clock. It may import `requests` and what that may import.
"""
