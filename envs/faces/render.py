"""Drawings of one student's scores for `render`."""

import numpy as np


def bars_text(names: list[str], score: np.ndarray, chosen: np.ndarray) -> str:
    """One line per task: a bar for its score in [0, 1], and the decisions spent on it."""
    width = max(map(len, names))
    return "\n".join(
        f"{name:<{width}} {'#' * round(20 * s):<20} {s:4.2f} after {c:>3.0f} decisions"
        for name, s, c in zip(names, score, chosen, strict=True)
    )


def bars_image(names: list[str], score: np.ndarray, chosen: np.ndarray) -> np.ndarray:
    """A row per task: its score as a blue bar, its share of the decisions in orange, (H, W, 3)."""
    image = np.full((16 * len(names), 200, 3), 255, dtype=np.uint8)
    share = chosen / max(chosen.sum(), 1)
    for i, (s, c) in enumerate(zip(score, share, strict=True)):
        image[16 * i + 2 : 16 * i + 9, : round(200 * float(s))] = (0, 114, 178)
        image[16 * i + 10 : 16 * i + 14, : round(200 * float(c))] = (230, 159, 0)
    return image
