"""Logs to replay, small and made by chance: their truth is known."""

import gzip
from collections.abc import Sequence
from pathlib import Path

import numpy as np


def write(
    path: Path, names: Sequence[str], columns: Sequence[Sequence[object]], *, delimiter: str = ","
) -> Path:
    """Write a CSV file, gzip where its name says so."""
    lines = [delimiter.join(names)] if names else []
    lines += [delimiter.join(str(cell) for cell in row) for row in zip(*columns, strict=True)]
    data = ("\n".join(lines) + "\n").encode()
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
    return path


def ratings(rows: int = 6000, *, seed: int = 1) -> list[list[object]]:
    """Return columns user, item, rating and time: readers like half of the items by their own taste, some items are better."""
    source = np.random.default_rng(seed)
    users, items = source.integers(0, 80, rows), source.integers(0, 60, rows)
    tastes, styles = source.standard_normal((80, 3)), source.standard_normal((60, 3))
    likes = (tastes[users] * styles[items]).sum(axis=1) + source.standard_normal(60)[items]
    stars = np.clip(np.round(3.3 + likes + 0.3 * source.standard_normal(rows)), 1, 5)
    return [
        [f"u{user}" for user in users],
        [f"i{item}" for item in items],
        stars.tolist(),
        (1_600_000_000 + 60 * np.arange(rows)).tolist(),
    ]


def clicks(rows: int = 4000, *, seed: int = 1, even: bool = True) -> list[list[object]]:
    """Return columns time, item, position, click, propensity and one feature of the reader; item 0 is clicked most."""
    source = np.random.default_rng(seed)
    shares = np.full(6, 1 / 6) if even else np.array([0.05, 0.35, 0.15, 0.15, 0.15, 0.15])
    items = source.choice(6, rows, p=shares)
    rates = np.array([0.5, 0.1, 0.1, 0.1, 0.1, 0.1])
    return [
        np.arange(rows).tolist(),
        items.tolist(),
        source.integers(1, 3, rows).tolist(),
        (source.random(rows) < rates[items]).astype(int).tolist(),
        shares[items].tolist(),
        source.choice(["young", "old"], rows).tolist(),
    ]


RATING_NAMES = ("userId", "movieId", "rating", "timestamp")
CLICK_NAMES = ("timestamp", "item_id", "position", "click", "propensity_score", "user_feature_0")
