"""The flash-call provider. The only folder that imports ``requests``."""
