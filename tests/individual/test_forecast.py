"""Bands, their names, and the percentile of each result under its own forecast."""

from __future__ import annotations

import numpy as np
import pytest
from records import ON, injection, lab, oral, person, stranger

from calcidiol.individual import fit, forecast, percentiles, population, retrospective
from calcidiol.individual.bands import noise
from calcidiol.kinetics import Schedule, default_card

CARD = default_card()
TIMES = np.arange(0.0, 183.0, 7.0)
WEEKLY = Schedule.of((7.0 * i, 50_000 * 0.065, 0) for i in range(8))


def told(one, schedule: Schedule = WEEKLY):  # type: ignore[no-untyped-def]
    return forecast(one.resample(2000, 1), schedule, TIMES, 1)


def test_bands_are_ordered_and_the_lab_is_wider_than_the_level() -> None:
    bands = told(fit(person(lab(31, -10)), CARD, ON))
    for band in (bands.level, bands.lab):
        rows = np.stack([band[k] for k in ("p05", "p25", "p50", "p75", "p95")])
        assert (np.diff(rows, axis=0) > 0).all()
    assert (bands.lab["p95"] - bands.lab["p05"] > 1.05 * (bands.level["p95"] - bands.level["p05"])).all()
    assert len(bands.dates) == len(TIMES)
    assert bands.dates[1] == ON.replace(day=17)


def test_each_forecast_carries_its_name() -> None:
    who = person(lab(31, -10), lab(60, 10))
    kinds = [told(make(who, CARD, ON)).kind for make in (population, fit, retrospective)]
    assert kinds == ["population", "individual", "retrospective"]


def test_the_band_starts_where_the_fit_ends() -> None:
    one = fit(person(lab(31, -10)), CARD, ON)
    bands = told(one)
    assert bands.level["p50"][0] == pytest.approx(np.median(one.resample(2000, 1).state.values[6]), rel=1e-6)


def test_treatment_raises_the_level_and_without_it_the_season_remains() -> None:
    one = fit(person(lab(31, -10)), CARD, ON)
    assert (told(one).level["p50"][2:] > told(one, Schedule.of(())).level["p50"][2:] + 10).all()


def test_an_unknown_method_widens_the_band_of_the_lab_only() -> None:
    sure, unsure = (told(fit(person(lab(60, -10, assay=a)), CARD, ON)) for a in ("lc-ms", None))
    none = told(population(person(), CARD, ON))

    def spread(band: dict[str, np.ndarray]) -> float:
        return float(np.log(band["p95"][5] / band["p05"][5]))

    assert spread(unsure.level) > spread(sure.level)
    # The same method measures again: what its bias adds to the level is not added twice to the next lab.
    assert spread(unsure.lab) == pytest.approx(spread(sure.lab), rel=0.12)
    assert spread(none.lab) > np.hypot(spread(none.level), 3.29 * 0.15)


def test_errors_of_results_are_those_of_the_likelihood() -> None:
    z = noise(np.random.default_rng(0), (400_000,))
    assert np.mean(np.abs(z) < 1.96) == pytest.approx(0.98 * 0.95 + 0.02 * 0.5, abs=0.004)


def test_a_percentile_knows_nothing_of_later_results() -> None:
    rows = (lab(31, -150), lab(70, -95), lab(88, -5))
    doses = (oral(50_000, -150, count=8), injection(100_000, -90, count=3))
    first = percentiles(person(*rows[:2], doses=doses), CARD, ON)
    assert percentiles(person(*rows, doses=doses), CARD, ON)[:2] == first
    assert len(percentiles(person(*rows, doses=doses), CARD, ON)) == 3


def test_odd_results_fall_at_the_edge_and_usual_ones_do_not() -> None:
    rows = percentiles(person(lab(50, -150), lab(52, -100), lab(49, -50), lab(180, -20)), CARD, ON)
    assert all(10 < p < 90 for p in rows[1:3])
    assert rows[3] > 99
    low = percentiles(person(lab(50, -150), lab(52, -100), lab(12, -20)), CARD, ON)
    assert low[2] < 1


def test_censored_results_have_no_percentile() -> None:
    rows = percentiles(stranger(lab(20, -50, comparator="<"), lab(50, -5)), CARD, ON)
    assert np.isnan(rows[0])
    assert 0 <= rows[1] <= 100
