"""The environment, read once and strictly."""
