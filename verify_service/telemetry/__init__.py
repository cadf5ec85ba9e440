"""What happened, for logs and metrics."""
