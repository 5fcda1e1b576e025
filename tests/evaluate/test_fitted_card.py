"""The default card against figures that it was not fitted to, and the page on it against the figures behind it."""

import importlib.util
import json
import re
from pathlib import Path

import numpy as np
import pytest

from calcidiol.evaluate.population_model import OF_STUDIES, PRIORS
from calcidiol.kinetics import Covariates, Schedule, default_card, individual_parameters, solve
from calcidiol.quantity import iu_to_nmol

PATH = Path(__file__).parents[2] / "validation" / "model" / "report.py"
SPEC = importlib.util.spec_from_file_location("validation_model_report", PATH)
assert SPEC is not None
assert SPEC.loader is not None
REPORT = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(REPORT)
CARD = default_card()
YEAR = 365


def level(weight_kg: float, bmi: float, iu: float) -> float:
    """Level after a year of daily doses from 50 nmol/L."""
    person = Covariates.reference(CARD).with_(weight_kg=weight_kg, bmi=bmi)
    daily = Schedule.of((day, iu_to_nmol(iu, "cholecalciferol"), 0) for day in range(YEAR))
    return float(solve(CARD, individual_parameters(CARD, person), daily, [YEAR]).level[0, 0])


def dose(weight_kg: float, bmi: float, wanted: float) -> float:
    """Daily dose that brings a level."""
    low, high = 10.0, 60_000.0
    for _ in range(20):
        middle = float(np.sqrt(low * high))
        low, high = (middle, high) if level(weight_kg, bmi, middle) < wanted else (low, middle)
    return high


def test_body_size_is_counted_once() -> None:
    """Veugelers 2015: obese people need 2.34 times, overweight ones 1.44 times the dose of normal weight."""
    normal = dose(64, 22.5, 90.0)
    assert 1.7 < dose(97, 33.5, 90.0) / normal < 3.0
    assert 1.2 < dose(79, 27.5, 90.0) / normal < 1.8


def test_obese_people_stay_lower_at_the_same_dose() -> None:
    """Ekwaru 2014: 19.8 nmol/L, and 8.0 in overweight people."""
    normal = level(64, 22.5, 2000.0)
    assert normal - level(97, 33.5, 2000.0) == pytest.approx(19.8, abs=8.0)
    assert normal - level(79, 27.5, 2000.0) == pytest.approx(8.0, abs=5.0)


def test_the_card_names_what_was_fitted() -> None:
    assert set(CARD.population_effects) == {p.name for p in PRIORS} - set(OF_STUDIES)
    assert {"conversion", "depot", "scatter", "degrees_of_freedom"} < set(CARD.numbers["between_studies"])


def test_the_committed_page_follows_from_the_committed_figures() -> None:
    told = json.loads(REPORT.OUTCOME.read_text(encoding="utf-8"))
    assert (told["card"], told["version"]) == (CARD.id, CARD.version)
    assert REPORT.page(told) == REPORT.PAGE.read_text(encoding="utf-8")
    off = REPORT.distance(told["fit"]["posterior"], CARD)
    assert off == pytest.approx(told["off"], abs=1e-6)


def test_the_plots_are_drawn_from_the_left_out_rows(tmp_path, monkeypatch) -> None:
    committed = REPORT.PICTURES
    monkeypatch.setattr(REPORT, "PICTURES", tmp_path)
    rows = json.loads(REPORT.OUTCOME.read_text(encoding="utf-8"))["fit"]["rows"]
    REPORT.draw(rows)
    for path in tmp_path.iterdir():
        assert path.read_text(encoding="utf-8") == (committed / path.name).read_text(encoding="utf-8")
    assert len(re.findall("<circle", (tmp_path / "observed-predicted.svg").read_text(encoding="utf-8"))) == len(rows)
