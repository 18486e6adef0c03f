"""How near forecasts came. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, median

from tickets.waits.forecast import Forecast

NEAR_MIN = 5.0


@dataclass(frozen=True, slots=True)
class Score:
    """The errors of ``n`` forecasts: forecast less real wait, in minutes; bias is their mean."""

    n: int
    mean_abs_error_min: float
    median_abs_error_min: float
    share_within_5_min: float
    bias_min: float

    @classmethod
    def of(cls, forecasts: Sequence[float], real: Sequence[float]) -> Score:
        """Score forecasts against real waits, at least one, pair by pair."""
        errors = [forecast - wait for forecast, wait in zip(forecasts, real, strict=True)]
        sizes = [abs(error) for error in errors]
        near = sum(size <= NEAR_MIN for size in sizes) / len(sizes)
        return cls(len(sizes), fmean(sizes), median(sizes), near, fmean(errors))

    def beats(self, other: Score) -> bool:
        """Whether it is better in mean, median and share within five minutes alike."""
        return (
            self.mean_abs_error_min < other.mean_abs_error_min
            and self.median_abs_error_min < other.median_abs_error_min
            and self.share_within_5_min > other.share_within_5_min
        )


@dataclass(frozen=True, slots=True)
class BandScore:
    """The share of real waits from p10 to p90, and the mean width in minutes."""

    band_coverage: float
    band_width_min: float

    @classmethod
    def of(cls, forecasts: Sequence[Forecast], real: Sequence[float]) -> BandScore:
        """Score bands against real waits, at least one, pair by pair."""
        held = sum(told.p10 <= wait <= told.p90 for told, wait in zip(forecasts, real, strict=True))
        return cls(held / len(real), fmean(told.p90 - told.p10 for told in forecasts))
