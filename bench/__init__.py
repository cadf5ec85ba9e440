"""``make bench``: measures the service beside the least that its stack costs.

The order of reading: ``__main__.py`` (the options), ``parts.py`` and ``growth.py`` (what is
measured), ``stack.py`` and ``processes.py`` (what runs), ``floor.py`` (what it is compared with),
``traffic.py`` and ``load.py`` (the clients), ``report.py`` and ``page.py`` (what is written).
"""
