"""``make attack``: plays every attacker of docs/security.md against the real processes."""
