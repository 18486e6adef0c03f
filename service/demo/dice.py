"""Random choices that are the same on every machine and every Python."""

from __future__ import annotations

import math
from collections.abc import Mapping
from random import Random
from typing import TypeVar

T = TypeVar("T")


class Dice:
    """Every choice comes from ``Random.random``, the only stream Python promises to keep between versions."""

    def __init__(self, seed: int) -> None:
        """Start the stream at ``seed``; ``roll()`` gives the next number from 0 to below 1."""
        self.roll = Random(seed).random  # noqa: S311 - demo data, nothing secret

    def whole(self, low: int, high: int) -> int:
        """Return a whole number from ``low`` to ``high``, both included."""
        return low + int(self.roll() * (high - low + 1))

    def exponential(self, mean: float) -> float:
        """Return a length with the given mean: most of them short, a few long."""
        return -math.log(1 - self.roll()) * mean

    def pick(self, shares: Mapping[T, float]) -> T:
        """Return one key, as likely as its share among all."""
        left = self.roll() * sum(shares.values())
        for key, share in shares.items():
            left -= share
            if left < 0:
                return key
        return key

    def draw(self, weights: Mapping[T, float], n: int) -> list[T]:
        """Return ``n`` different keys, heavier ones more likely (Efraimidis and Spirakis 2006)."""
        keyed = {key: self.roll() ** (1 / weight) for key, weight in weights.items()}
        return sorted(keyed, key=keyed.__getitem__, reverse=True)[:n]
