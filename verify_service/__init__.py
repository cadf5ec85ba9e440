"""Phone verification by flash call: see the README."""

__version__ = "0.1.0"
