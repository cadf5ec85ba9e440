"""Room for many starts: what a suite that plays a whole town within one prefix sets."""

from __future__ import annotations

ROOMY = {
    f"STARTS_PER_{place}": "100000/3600"
    for place in ("CLIENT_IP", "PREFIX", "COUNTRY", "APP", "DAY")
} | {"CONVERSION_PREFIX": "100000/0.2"}
