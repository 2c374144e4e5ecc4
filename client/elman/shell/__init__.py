"""Ghost text in zsh, bash and fish: a daemon keeps the model, and a script in each shell asks it.

The scripts are data of this package. Stands on `sync` and knows no command line.
"""
