"""`elman type`: a text that is edited on a terminal, with ghost text after the cursor.

`session` is the text and its document; `keys` and `view` stand on it; `app` runs all three. It may import `sync` and below.
"""
