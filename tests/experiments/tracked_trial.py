"""The trial that is tracked, and a key that opens nothing."""

from tiny_config import CONFIG

TINY = CONFIG | {"workers": 1, "teachers": [CONFIG["teachers"][0] | {"sampled": False}, "uniform"]}
KEY = "a" * 40
