"""One module a family of commands; grammar.py says how they are written."""
