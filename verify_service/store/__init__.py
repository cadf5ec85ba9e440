"""Verifications in Redis. The only folder that imports ``redis``."""
