"""Connections to the one Redis server that has our data: found, opened, shared, left."""
