"""`make bench`: the service's speed. Only figures of one run can be compared."""
