"""The gunicorn worker, its logger and its signals."""
