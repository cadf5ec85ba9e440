"""What ``config/gunicorn.conf.py`` names: the worker, its logger and the server's hooks."""
