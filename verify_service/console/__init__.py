"""The operator's page: what works, for whom it does not, what is refused, what it costs."""
