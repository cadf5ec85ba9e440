"""Checks the words of comments, docstrings, templates and manuals."""
