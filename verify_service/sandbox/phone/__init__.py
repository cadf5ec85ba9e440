"""A phone in the browser: it rings when the simulator places a call, and a person decides.

It exists while its page is open. Without a page, each call ends as the table defines.
"""
