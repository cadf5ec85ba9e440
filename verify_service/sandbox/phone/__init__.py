"""A phone in the browser: it rings when the simulator places a call, and a person decides.

It is there as long as its page is open. Without one, every call ends as the table has it.
"""
