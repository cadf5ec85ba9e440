"""A second provider, as one would be added: its dialect and its callback, each in one file."""
