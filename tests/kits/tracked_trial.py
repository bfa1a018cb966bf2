"""The trial that is tracked, and a key that opens nothing."""

from tiny_config import CONFIG

TINY = CONFIG | {
    "workers": 1,
    "tracking": {"tags": ["first", "small"], "notes": "of a test", "name": "night", "entity": ""},
    "suite": {"name": "finite", "options": {"sizes": [16, 32, 64], "n_signs": 8, "flips": 0.4}},
    "teachers": [CONFIG["teachers"][0] | {"sampled": False, "watch": 2}, "uniform"],
}
"""Its tasks have an end, so that every metric is there; no student masters them all."""
KEY = "a" * 40
