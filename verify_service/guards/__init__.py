"""What bounds the bill: limits wider than a number, guards, and the operator's hand.

Rules only, as in the rest of the domain; how they are kept is in ``store/``.
"""
