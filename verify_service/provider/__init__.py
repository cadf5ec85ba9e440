"""The provider of flash calls: its dialect, and the calls that are placed with it."""
