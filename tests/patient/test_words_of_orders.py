"""Orders in words: what a number belongs to, and rhythms that must not become a single dose."""

from __future__ import annotations

import pytest

from calcidiol.patient import read
from calcidiol.patient.dosing import DAYS_PER_MONTH, read_dosing


@pytest.mark.parametrize(
    ("text", "iu"),
    [
        ("vitamin D3 400 IU daily", 400),
        ("Calcium carbonate 600 mg / vitamin D3 400 IU", 400),
        ("vit D 3 800 IU", 800),
        ("Vitamin D2 500 IU", 500),
        ("vitamin D 50000 IU", 50000),
        ("D3 50,000 IU weekly", 50000),
        ("50 000 IU weekly", 50000),
        ("每日800 IU", 800),
        ("20.000 IE wöchentlich", 20000),
        ("Dekristol 20.000 I.E. Weichkapseln", 20000),
        ("300.000 UI IM", 300000),
        ("1000.5 IU", 1000.5),
        ("ergocalciferol 1.25 mg (50000 units)", 50000),
    ],
)
def test_a_number_of_the_name_is_no_part_of_the_dose(text: str, iu: float) -> None:
    assert read_dosing(text).amount == iu


@pytest.mark.parametrize(
    ("text", "days"),
    [
        ("once every two weeks", 14),
        ("every second week", 14),
        ("every 4th week", 28),
        ("every fortnight", 14),
        ("every other month", 2 * DAYS_PER_MONTH),
        ("alle 4 Wochen", 28),
        ("alle zwei Wochen", 14),
        ("alle 7 Tage", 7),
        ("wöchentlich", 7),
        ("2x pro Woche", 3.5),
        ("1x täglich", 1),
        ("每兩週", 14),
        ("each evening", 1),
        ("every Monday", 7),
        ("every 2 to 4 weeks", 14),
    ],
)
def test_rhythms(text: str, days: float) -> None:
    words = read_dosing(text)
    assert words.every_days == pytest.approx(days)
    assert not words.once
    assert not words.rhythm_unread


def test_a_rhythm_that_is_not_understood_is_no_single_dose() -> None:
    patient = read({"patient": {"sex": "female"}, "doses": ["50000 IU every blue moon 2026-06-01"]})
    assert not patient.doses
    assert [u.reason for u in patient.unused] == ["dose_unclear"]


def test_a_decimal_of_milligrams_is_no_thousand() -> None:
    words = read_dosing("1.250 mg once")
    assert (words.amount, words.unit) == (1.25, "mg")
