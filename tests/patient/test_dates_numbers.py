"""Dates, numbers and the words of an order, as they are really written."""

from __future__ import annotations

import doctest
import importlib
from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calcidiol.patient.dates import read_date
from calcidiol.patient.dosing import read_dosing
from calcidiol.patient.numbers import Number, Unreadable, quantity, read_number


@pytest.mark.parametrize(
    "module", ["dates", "dosing", "numbers", "plausibility", "reading", "short_medical", "short_schema"]
)
def test_examples_in_the_docstrings(module: str) -> None:
    assert doctest.testmod(importlib.import_module(f"calcidiol.patient.{module}")).failed == 0


@pytest.mark.parametrize(
    ("text", "value", "comparator"),
    [
        ("31", 31, ""),
        ("<10", 10, "<"),
        ("≤ 10", 10, "<="),
        (">150", 150, ">"),
        ("2.5e3", 2500, ""),
        (" 7. ", 7, ""),
        (".5", 0.5, ""),
        ("-3", -3, ""),
        ("１２", 12, ""),
    ],
)
def test_number(text: str, value: float, comparator: str) -> None:
    assert read_number(text) == Number(value, comparator)


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("1,5", "decimal_comma"),
        ("1.5e", "not_a_number"),
        ("", "empty"),
        (None, "empty"),
        ("   ", "empty"),
        ("abc", "not_a_number"),
        ("1.5.2", "not_a_number"),
        ("1 500", "not_a_number"),
        ("1,500,000", "not_a_number"),
        ("NaN", "not_finite"),
        ("nan", "not_finite"),
        ("-inf", "not_finite"),
        ("1e400", "not_finite"),
        ("1e308", "not_finite"),
        (float("nan"), "not_finite"),
        (float("inf"), "not_finite"),
        (1e308, "not_finite"),
        (10**400, "not_finite"),
        (True, "not_a_number"),
        ([1], "not_a_number"),
        ({"a": 1}, "not_a_number"),
        ("0x1F", "not_a_number"),
    ],
)
def test_no_number(value: object, reason: str) -> None:
    found = read_number(value)
    assert isinstance(found, Unreadable)
    assert found.reason == reason


@given(st.floats(allow_nan=False, allow_infinity=False, min_value=-1e9, max_value=1e9))
def test_a_number_written_is_the_number_read(value: float) -> None:
    assert read_number(repr(value)) == Number(value)
    assert read_number(value) == Number(value)


@given(st.text(max_size=40))
def test_any_text_is_a_number_or_a_reason(text: str) -> None:
    assert isinstance(read_number(text), (Number, Unreadable))
    found = quantity(text)
    assert isinstance(found, Unreadable) or isinstance(found[0], Number)


def test_number_with_unit() -> None:
    assert quantity("12.4ng/mL") == (Number(12.4), "ng/mL")
    assert quantity("1,5 mmol/L").reason == "decimal_comma"  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("text", "at", "precision"),
    [
        ("2026-11-18", datetime(2026, 11, 18, 12), "day"),
        ("2026-11-18T08:30:00", datetime(2026, 11, 18, 8, 30), "time"),
        ("2026-11-18T08:30:00Z", datetime(2026, 11, 18, 8, 30), "time"),
        ("2026-11-18T08:30:00.123+08:00", datetime(2026, 11, 18, 8, 30), "time"),
        ("2026-11-18 08:30", datetime(2026, 11, 18, 8, 30), "time"),
        ("2026-11-18T08:30", datetime(2026, 11, 18, 8, 30), "time"),
        ("2026-11-18T23:59:60Z", datetime(2026, 11, 18, 23, 59, 59), "time"),
        ("2026-11", datetime(2026, 11, 1, 12), "month"),
        ("2026", datetime(2026, 1, 1, 12), "year"),
        ("2026/11/8", datetime(2026, 11, 8, 12), "day"),
        ("2026年11月8日", datetime(2026, 11, 8, 12), "day"),
        ("2028-02-29", datetime(2028, 2, 29, 12), "day"),
    ],
)
def test_date(text: str, at: datetime, precision: str) -> None:
    found = read_date(text)
    assert found is not None
    assert (found.at, found.precision) == (at, precision)


@pytest.mark.parametrize(
    "text",
    [
        "2026-02-29",
        "2026-13-01",
        "2026-11-31",
        "18.11.2026",
        "11/18/2026",
        "",
        "soon",
        "2026-11-18T25:00:00Z",
        "0001-01-01",
        "9999-12-31",
        "2026-W47",
        "20261118",
        "0001-01-01T00:00:00+14:00",
    ],
)
def test_no_date(text: str) -> None:
    assert read_date(text) is None


def test_zones_meet_in_one_instant() -> None:
    a, b = read_date("2026-11-18T23:30:00-05:00"), read_date("2026-11-19T04:30:00Z")
    assert a is not None
    assert b is not None
    assert a.instant == b.instant == datetime(2026, 11, 19, 4, 30, tzinfo=UTC)
    assert a.day != b.day, "the wall clock of the writer is kept"


def test_hour_that_daylight_saving_skips_or_repeats() -> None:
    for text in ("2026-03-29T02:30:00+01:00", "2026-10-25T02:30:00+02:00", "2026-10-25T02:30:00+01:00"):
        assert read_date(text) is not None
    first, second = read_date("2026-10-25T02:30:00+02:00"), read_date("2026-10-25T02:30:00+01:00")
    assert first is not None
    assert second is not None
    assert first.instant != second.instant
    assert first.at == second.at


@given(st.one_of(st.text(max_size=30), st.integers(), st.none(), st.dates(), st.datetimes()))
def test_any_value_is_a_date_or_none(value: object) -> None:
    found = read_date(value)
    assert found is None or found.at.tzinfo is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "2000 IU daily since 2026-03-01",
            {"amount": 2000, "unit": "IU", "every_days": 1.0, "start": date(2026, 3, 1), "since": True},
        ),
        (
            "50,000 IU IM every 4 weeks x 3 from 2026-01-05",
            {"amount": 50000, "every_days": 28.0, "count": 3, "route": "im"},
        ),
        (
            "300000 IU im once on 2026-06-01",
            {"amount": 300000, "once": True, "every_days": None, "start": date(2026, 6, 1)},
        ),
        ("25 ug daily 2026-01-01 to 2026-03-01", {"unit": "ug", "end": date(2026, 3, 1)}),
        ("5000 units q2w", {"every_days": 14.0}),
        ("1000 IU 2 tablets twice daily", {"pieces": 2.0, "every_days": 0.5}),
        (
            "300,000 IU/mL 0.17 mL IM q28d",
            {"amount": 0.17, "unit": "mL", "strength": (300000.0, "IU", 1.0), "every_days": 28.0},
        ),
        ("50000 IU twice a week for 8 weeks", {"every_days": 3.5, "for_days": 56.0}),
        ("50000 IU weekly x 8", {"every_days": 7.0, "count": 8}),
        ("calcium carbonate 600 mg / vitamin D 400 IU", {"amount": 400, "unit": "IU"}),
        ("5萬單位 每月一次", {"amount": 50000, "unit": "IU"}),
        ("20000 IU every other week", {"every_days": 14.0}),
        ("20000 IU every 3 months", {"every_days": pytest.approx(91.3125)}),
        ("50k IU weekly", {"amount": 50000}),
        ("biweekly 20000 IU", {"unclear": True}),
        ("1000 IU prn", {"unclear": True}),
        ("1,5 mg daily", {"amount": None}),
        ("1000 IU/day since 2026-09", {"amount": 1000, "every_days": 1.0, "start": date(2026, 9, 1)}),
        ("50 IU/kg daily", {"amount": None}),
        ("nothing here", {"amount": None, "every_days": None}),
    ],
)
def test_words_of_an_order(text: str, expected: dict[str, object]) -> None:
    found = read_dosing(text)
    for name, value in expected.items():
        assert getattr(found, name) == value, (name, found)


@given(st.text(max_size=120))
def test_any_words_are_read_without_a_fault(text: str) -> None:
    found = read_dosing(text)
    assert found.amount is None or found.amount >= 0
    assert found.every_days is None or found.every_days >= 0
    assert found.count is None or found.count >= 0
