"""HTTP. The only folder that imports ``flask``, ``app.py`` aside."""
