"""HTTP exchanges under a wall clock. The only folder that imports ``requests``."""
