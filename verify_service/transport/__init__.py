"""HTTP exchanges under a wall clock."""
