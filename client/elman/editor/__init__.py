"""`elman type`: a text edited on a terminal, with ghost text after the cursor.

`session` is the text and its document; `keys` and `view` import it, and `app` runs all three. The room may import `sync` and
what lies below it.
"""
