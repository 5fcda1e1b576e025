"""The symptom diary: scores read from both forms, their ranges, their trend beside the level."""

from __future__ import annotations

import json
import tomllib
from datetime import date, datetime
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from bundles import bundle, result
from hypothesis import given, settings
from hypothesis import strategies as st

from calcidiol.patient.diary import trends
from calcidiol.patient.reading import read
from calcidiol.patient.record import Lab, Origin, Patient, Symptom
from calcidiol.patient.short import read_short
from calcidiol.terminology.symptoms import scale_by_loinc, scale_by_name, scales

HERE = Origin("symptoms[0]")
ON = date(2026, 11, 24)


def short(*rows: dict[str, Any]) -> Patient:
    return read_short({"symptoms": list(rows)}, "r", "r")


def score(value: float, day: int, name: str = "fatigue", scale: str = "0-10", month: int = 10) -> Symptom:
    return Symptom(name, value, date(2026, month, day), HERE, scale)


def test_our_scales_are_found_by_their_names_and_have_our_words_in_both_languages() -> None:
    ours = [s for s in scales().values() if s.own]
    assert [s.id for s in ours] == [
        "fatigue", "bone_pain", "muscle_pain", "cramps", "mood", "infections", "tolerance",
    ]  # fmt: skip
    assert all(set(s.question) == {"en", "zh-Hant"} and all(s.question.values()) for s in ours)
    assert all(s.shown == "0-10" and s.worse == "high" for s in ours)
    for text, id_ in (
        ("Bone pain", "bone_pain"),
        ("抽筋", "cramps"),
        ("side effects", "tolerance"),
        ("PHQ 9", "PHQ-9"),
    ):
        found = scale_by_name(text)
        assert found is not None
        assert found.id == id_


def test_no_item_of_another_instrument_stands_in_the_table() -> None:
    rows = tomllib.loads(resources.files("calcidiol.terminology").joinpath("symptoms.toml").read_text(encoding="utf-8"))
    assert all(set(r) == {"names", "range", "high", "loinc", "source"} for r in rows["instrument"].values())


@pytest.mark.parametrize(
    ("row", "told"),
    [
        ({"name": "疲倦", "score": 7}, ("fatigue", 7.0, "0-10")),
        ({"symptom": "Cramps", "value": "3", "scale": "0-10"}, ("cramps", 3.0, "0-10")),
        ({"name": "hunger", "score": 10}, ("hunger", 10.0, "0-10")),
        ({"name": "PHQ-9", "score": 27}, ("PHQ-9", 27.0, "PHQ-9 (0-27)")),
        ({"name": "PHQ-9", "score": 12, "instrument": "phq9"}, ("PHQ-9", 12.0, "PHQ-9 (0-27)")),
        ({"name": "fatigue", "score": 52, "instrument": "FACIT-F"}, ("fatigue", 52.0, "FACIT-F (0-52)")),
        ({"name": "FACIT-F", "score": 31, "scale": "0-52", "version": 4}, ("FACIT-F", 31.0, "FACIT-F (0-52) 4")),
        ({"name": "breath", "score": 300, "scale": "house scale"}, ("breath", 300.0, "house scale")),
        ({"name": "fatigue", "score": 0}, ("fatigue", 0.0, "0-10")),
        ({"name": "fatigue", "score": 40, "scale": "x"}, ("fatigue", 40.0, "x")),
    ],
)
def test_scores_of_the_short_form(row: dict[str, Any], told: tuple[str, float, str]) -> None:
    p = short(row | {"date": "2026-11-01"})
    assert [(s.name, s.score, s.scale) for s in p.symptoms] == [told]
    assert p.symptoms[0].origin.where == "symptoms[0]"
    assert p.unused == ()


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ({"name": "fatigue", "score": 10.5, "date": "2026-11-01"}, "symptom_out_of_range"),
        ({"name": "fatigue", "score": -1, "date": "2026-11-01"}, "symptom_out_of_range"),
        ({"name": "PHQ-9", "score": 28, "date": "2026-11-01"}, "symptom_out_of_range"),
        ({"name": "fatigue", "score": 53, "instrument": "FACIT-F", "date": "2026-11-01"}, "symptom_out_of_range"),
        ({"name": "fatigue", "score": "<5", "date": "2026-11-01"}, "symptom_incomplete"),
        ({"name": "fatigue", "score": "bad", "date": "2026-11-01"}, "symptom_incomplete"),
        ({"name": "fatigue", "score": 5, "date": "2026-11"}, "symptom_incomplete"),
        ({"name": "fatigue", "score": 5}, "symptom_incomplete"),
        ({"score": 5, "date": "2026-11-01"}, "symptom_incomplete"),
    ],
)
def test_a_score_that_cannot_be_one_is_told(row: dict[str, Any], reason: str) -> None:
    p = short(row)
    assert p.symptoms == ()
    assert [u.reason for u in p.unused] == [reason]
    assert [r.level for r in p.remarks] == ["caution"]


def observation(code: dict[str, Any], id: str = "s1", **fields: Any) -> dict[str, Any]:
    made = result(id=id, effectiveDateTime="2026-11-01") | {"code": code} | fields
    if "valueQuantity" not in fields:
        del made["valueQuantity"]
    return made


def loinc(code: str) -> dict[str, Any]:
    return {"coding": [{"system": "http://loinc.org", "code": code}]}


def from_bundle(tmp_path: Path, *rows: dict[str, Any]) -> Patient:
    path = tmp_path / "b.json"
    path.write_text(json.dumps(bundle(*rows)), encoding="utf-8")
    return read(path)


def test_scores_of_a_bundle(tmp_path: Path) -> None:
    p = from_bundle(
        tmp_path,
        observation(loinc("44261-6"), "a", valueInteger=12),
        observation(loinc("89247-1"), "b", valueQuantity={"value": 1, "code": "{score}"}),
        observation({"text": "Fatigue"}, "c", valueInteger=6),
        observation({"text": "Muscle cramps"}, "d", valueQuantity={"value": 4}),
    )
    assert {(s.name, s.score, s.scale) for s in p.symptoms} == {
        ("PHQ-9", 12.0, "PHQ-9 (0-27)"),
        ("ECOG", 1.0, "ECOG (0-5)"),
        ("fatigue", 6.0, "0-10"),
        ("cramps", 4.0, "0-10"),
    }
    assert not [u for u in p.unused if u.kind in ("symptom", "Observation")]


def test_what_is_no_score_of_a_bundle_is_not_taken_for_one(tmp_path: Path) -> None:
    p = from_bundle(
        tmp_path,
        observation({"text": "Fatigue"}, "a", valueCodeableConcept={"text": "present"}),
        observation({"text": "Fatigue"}, "b", valueQuantity={"value": 6, "unit": "mg/dL", "code": "mg/dL"}),
        observation({"text": "Fatigue"}, "c"),
        observation(loinc("44261-6"), "d", valueInteger=30),
        observation(loinc("99999-9") | {"text": "Fatigue"}, "e", valueInteger=3),
    )
    assert p.symptoms == ()
    assert "symptom_out_of_range" in {u.reason for u in p.unused}


def test_every_loinc_code_belongs_to_one_scale() -> None:
    codes = [c for s in scales().values() for c in s.loinc]
    assert len(codes) == len(set(codes))
    assert scale_by_loinc(["1-1"]) is None


def test_a_trend_needs_three_days_and_an_interval_without_zero() -> None:
    two = Patient("x", symptoms=(score(8, 1), score(4, 11)))
    (told,) = trends(two, ON)
    assert (told.n, told.first.score, told.last.score) == (2, 8, 4)
    assert (told.slope, told.low, told.high, told.direction) == (None, None, None, "unclear")
    same_days = Patient("x", symptoms=(score(8, 1), score(6, 1), score(4, 11), score(3, 11)))
    assert trends(same_days, ON)[0].slope is None
    noisy = Patient("x", symptoms=(score(8, 1), score(2, 11), score(7, 21)))
    (told,) = trends(noisy, ON)
    assert told.low is not None
    assert told.high is not None
    assert told.low < 0 < told.high
    assert told.direction == "unclear"


@pytest.mark.parametrize(
    ("name", "scale", "scores", "direction"),
    [
        ("fatigue", "0-10", (8, 6, 4.1, 2), "better"),
        ("fatigue", "0-10", (2, 4, 6.1, 8), "worse"),
        ("FACIT-F", "FACIT-F (0-52) 4", (20, 30, 40.1, 50), "better"),
        ("fatigue", "FACIT-F (0-52)", (50, 40, 30.1, 20), "worse"),
        ("PHQ-9", "PHQ-9 (0-27)", (20, 15, 10.1, 5), "better"),
        ("hunger", "0-10", (8, 6, 4.1, 2), "falling"),
        ("breath", "house scale", (2, 4, 6.1, 8), "rising"),
    ],
)
def test_better_and_worse_follow_the_scale(name: str, scale: str, scores: tuple[float, ...], direction: str) -> None:
    rows = tuple(score(s, 1 + 9 * i, name, scale) for i, s in enumerate(scores))
    assert trends(Patient("x", symptoms=rows), ON)[0].direction == direction


def test_trends_stop_at_the_day_and_stand_by_name_and_scale() -> None:
    rows = (score(8, 1), score(5, 2, month=12), score(3, 1, "mood"), score(20, 1, "fatigue", "FACIT-F (0-52)"))
    told = trends(Patient("x", symptoms=rows), ON)
    assert [(t.name, t.scale, t.n) for t in told] == [
        ("fatigue", "0-10", 1), ("fatigue", "FACIT-F (0-52)", 1), ("mood", "0-10", 1),
    ]  # fmt: skip


def test_the_gap_to_the_level() -> None:
    level = Lab("25ohd", 40.0, "nmol/L", datetime(2026, 10, 15, 9), HERE)
    later = Lab("25ohd", 60.0, "nmol/L", datetime(2026, 12, 15, 9), HERE)
    rows = (score(8, 1), score(7, 18), score(5, 30))
    (told,) = trends(Patient("x", symptoms=rows, labs=(level, later)), ON)
    assert (told.level_on, told.level_gap_d) == (date(2026, 10, 15), -3)
    (told,) = trends(Patient("x", symptoms=(score(8, 1),), labs=(level,)), ON)
    assert told.level_gap_d == 14
    (told,) = trends(Patient("x", symptoms=rows), ON)
    assert (told.level_on, told.level_gap_d) == (None, None)


def test_a_trend_is_plain_data() -> None:
    rows = (score(8, 1), score(7, 18), score(5, 30))
    (told,) = trends(Patient("x", symptoms=rows), ON)
    plain = json.loads(json.dumps(told.to_dict()))
    assert plain["first"] == {"date": "2026-10-01", "score": 8}
    assert plain["slope_per_30_d"] == told.slope
    assert set(plain) == {
        "name", "scale", "n", "first", "last", "slope_per_30_d", "low", "high", "direction", "level_on", "level_gap_d",
    }  # fmt: skip


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 400), st.integers(0, 10)), min_size=3, max_size=12))
def test_the_slope_and_its_interval_are_those_of_least_squares(points: list[tuple[int, int]]) -> None:
    from datetime import timedelta

    from scipy.stats import linregress, t

    rows = tuple(Symptom("mood", float(s), date(2025, 1, 1) + timedelta(days=d), HERE) for d, s in points)
    (told,) = trends(Patient("x", symptoms=rows), date(2027, 1, 1))
    if len({d for d, _ in points}) < 3:
        assert told.slope is None
        return
    fit = linregress(np.array([d / 30 for d, _ in points]), np.array([s for _, s in points], dtype=float))
    # Scores that are all the same: scipy divides nothing by nothing, the residuals and so the error are nothing.
    error = fit.stderr if len({s for _, s in points}) > 1 else 0.0
    width = t.ppf(0.975, len(points) - 2) * error
    assert told.slope == pytest.approx(fit.slope, abs=1e-5)
    assert told.low == pytest.approx(fit.slope - width, abs=1e-4)
    assert told.high == pytest.approx(fit.slope + width, abs=1e-4)
