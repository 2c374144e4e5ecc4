"""`elman lsp`: ghost text for editors, by the Language Server Protocol over standard input and output.

`connection` is how the editor is spoken to, `server` which method means what, `service` what is answered, and `engines` where
waiting happens; the rest are values and pure rules. The room may import `sync`, `aio` and what lies below them.
"""
