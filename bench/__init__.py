"""`make bench`: the service's speed, by comparison in one run. Figures of two runs do not mix."""
