"""Units: published factors, round trips, and what must be refused."""

from __future__ import annotations

import doctest
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calcidiol import quantity
from calcidiol.errors import UnitError
from calcidiol.quantity import (
    IU_PER_UG,
    MOLAR_MASS,
    NMOL_PER_L_IN_NG_PER_ML,
    convert,
    iu_to_nmol,
    meanings,
    nmol_to_iu,
    same_kind,
    ucum,
    ug_to_nmol,
)

PUBLISHED = [
    # value, unit, to, substance, published factor (project notes on safety section 7), relative difference allowed
    ("ng/mL", "nmol/L", "25ohd", 2.496, 2e-4),
    ("pg/mL", "pmol/L", "1_25_ohd", 2.40, 2e-4),
    ("ng/mL", "nmol/L", "24_25_ohd", 2.40, 2e-4),
    ("mg/dL", "mmol/L", "calcium", 0.2495, 2e-4),
    ("mg/dL", "mmol/L", "phosphate", 0.3229, 2e-4),
    ("mg/dL", "mmol/L", "magnesium", 0.4114, 2e-4),
    ("mg/dL", "umol/L", "creatinine", 88.42, 3e-4),
    ("pg/mL", "pmol/L", "pth", 0.106, 2e-3),
    ("mg/dL", "umol/L", "bilirubin", 17.1, 5e-4),
    ("ng/mL", "nmol/L", "cholecalciferol", 2.599, 5e-4),
    ("g/dL", "g/L", None, 10.0, 0.0),
    ("ug", "[iU]", "cholecalciferol", 40.0, 0.0),
    ("mg/dL", "umol/L", "urate", 59.48, 3e-4),
    ("meq/L", "mmol/L", "calcium", 0.5, 0.0),
    ("meq/L", "mmol/L", "potassium", 1.0, 0.0),
    ("[lb_av]", "kg", None, 0.45359237, 1e-12),
    ("[in_i]", "cm", None, 2.54, 1e-12),
    ("10*3/uL", "10*9/L", None, 1.0, 0.0),
    ("/uL", "10*9/L", None, 1e-3, 1e-12),
    ("mmol/(24.h)", "mg/(24.h)", "calcium", 40.078, 1e-9),
]


@pytest.mark.parametrize(("unit", "to", "substance", "factor", "rel"), PUBLISHED)
def test_published_factor(unit: str, to: str, substance: str | None, factor: float, rel: float) -> None:
    assert convert(1.0, unit, to, substance) == pytest.approx(factor, rel=max(rel, 1e-12))


@given(st.sampled_from(PUBLISHED), st.floats(1e-3, 1e5))
def test_there_and_back(row: tuple[str, str, str | None, float, float], value: float) -> None:
    unit, to, substance, *_ = row
    assert convert(convert(value, unit, to, substance), to, unit, substance) == pytest.approx(value, rel=1e-12)


@given(st.floats(0.0, 1e4))
def test_zero_and_order_are_kept(value: float) -> None:
    assert convert(0.0, "ng/mL", "nmol/L", "25ohd") == 0.0
    assert convert(value + 1, "mg/dL", "mmol/L", "calcium") > convert(value, "mg/dL", "mmol/L", "calcium")


def test_international_units() -> None:
    assert iu_to_nmol(1000, "cholecalciferol") == pytest.approx(25 / 384.64 * 1e3)
    assert round(iu_to_nmol(1000, "cholecalciferol"), 1) == 65.0
    assert nmol_to_iu(iu_to_nmol(50_000, "ergocalciferol"), "ergocalciferol") == pytest.approx(50_000)
    assert iu_to_nmol(1000, "ergocalciferol") < iu_to_nmol(1000, "cholecalciferol")
    assert convert(7.5, "mg", "IU", "cholecalciferol") == pytest.approx(300_000)
    assert ug_to_nmol(10, "calcifediol") == pytest.approx(10 / 400.64 * 1e3)


@pytest.mark.parametrize("substance", ["calcifediol", "calcitriol", "calcium"])
def test_iu_has_no_meaning_elsewhere(substance: str) -> None:
    with pytest.raises(UnitError, match=r"IU has no meaning|has no meaning for"):
        convert(1000, "IU", "nmol", substance)
    with pytest.raises(UnitError, match="IU has no meaning"):
        iu_to_nmol(1000, substance)
    with pytest.raises(UnitError, match="IU has no meaning"):
        nmol_to_iu(1000, substance)


def test_iu_needs_a_substance() -> None:
    with pytest.raises(UnitError, match="substance"):
        convert(1000, "IU", "ug")
    with pytest.raises(UnitError, match="No molar mass"):
        ug_to_nmol(1.0, "sugar")


@pytest.mark.parametrize(
    ("written", "code"),
    [
        ("µg", "ug"),
        ("μg", "ug"),
        ("mcg", "ug"),
        ("㎍", "ug"),
        ("NG/ML", "ng/mL"),
        ("nmol/l", "nmol/L"),
        ("µmol/L", "umol/L"),
        ("μmol / L", "umol/L"),
        ("mcmol/L", "umol/L"),
        ("IU", "[iU]"),
        ("iu", "[iU]"),
        ("U", "[iU]"),
        ("units", "[iU]"),
        ("國際單位", "[iU]"),
        ("x10⁹/L", "10*9/L"),
        ("10^9/L", "10*9/L"),
        ("K/µL", "10*3/uL"),
        ("mL/min/1.73 m²", "mL/min/{1.73_m2}"),
        ("mEq/L", "meq/L"),
        ("mmol/24h", "mmol/(24.h)"),
        ("kg/m²", "kg/m2"),
        ("weeks", "wk"),
    ],
)
def test_spelling(written: str, code: str) -> None:
    assert meanings(written) & meanings(code)
    assert same_kind(written, code)


@pytest.mark.parametrize("unit", ["", "furlong", "mmol", "ng", "mmol/kg", "x" * 200, "nmol/L nmol/L", "²", "\x00", "M"])
def test_unknown_or_unfit_unit(unit: str) -> None:
    with pytest.raises(UnitError):
        convert(1.0, unit, "nmol/L", "25ohd")
    assert not same_kind(unit, "nmol/L", "25ohd")


def test_message_of_an_unknown_unit_says_what_to_do() -> None:
    with pytest.raises(UnitError, match=r"Unknown unit 'ng/ml of blood'.*closed table.*write it as one of these"):
        ucum("ng/ml of blood")


def test_two_meanings_are_told_apart_by_the_target() -> None:
    assert convert(250, "G/L", "10*9/L") == 250
    assert convert(41, "G/L", "g/L") == 41
    assert convert(40, "U/L", "U/L") == 40
    assert convert(40, "IU/L", "U/L") == 40


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_no_number(value: float) -> None:
    with pytest.raises(UnitError, match="not a finite number"):
        convert(value, "ng/mL", "nmol/L", "25ohd")


def test_overflow() -> None:
    with pytest.raises(UnitError, match="too large"):
        convert(1e308, "kg", "ng")


def test_temperature_is_shifted() -> None:
    assert convert(98.6, "[degF]", "Cel") == pytest.approx(37.0)
    assert convert(37.0, "Cel", "[degF]") == pytest.approx(98.6)


def test_no_collision_of_units_of_one_kind() -> None:
    """A spelling may have two meanings only when these are of two kinds."""
    ucum("g")
    for spelling, units in quantity._TABLE.items():
        kinds = [u.kind for u in units]
        sizes = {u.kind: {x.size for x in units if x.kind == u.kind} for u in units}
        assert all(len(s) == 1 for s in sizes.values()), (spelling, units)
        assert kinds


def test_masses() -> None:
    assert all(m > 0 for m in MOLAR_MASS.values())
    assert set(IU_PER_UG) <= set(MOLAR_MASS)


@pytest.mark.parametrize(("to", "factor"), [("mmol/L", 0.5), ("mg/dL", 2.0039)])
def test_milliequivalents_both_ways(to: str, factor: float) -> None:
    assert convert(1.0, "meq/L", to, "calcium") == pytest.approx(factor, rel=1e-4)
    assert convert(factor, to, "meq/L", "calcium") == pytest.approx(1.0, rel=1e-4)
    for unit in ("kg", "U/L"):
        with pytest.raises(UnitError):
            convert(1.0, "meq/L", unit, "calcium")
        with pytest.raises(UnitError):
            convert(1.0, unit, "meq/L", "calcium")


def test_iu_per_day_and_iu_that_fit_nothing() -> None:
    assert convert(1000, "IU/d", "ug/d", "cholecalciferol") == pytest.approx(25)
    assert convert(25, "ug/d", "IU/d", "cholecalciferol") == pytest.approx(1000)
    with pytest.raises(UnitError):
        convert(1000, "IU", "kg/m2", "cholecalciferol")
    with pytest.raises(UnitError):
        convert(1000, "kg/m2", "IU", "cholecalciferol")
    with pytest.raises(UnitError):
        convert(1, "h", "kg", "cholecalciferol")


def test_level_in_both_units() -> None:
    assert pytest.approx(2.496, rel=2e-4) == NMOL_PER_L_IN_NG_PER_ML


def test_examples_in_the_docstrings() -> None:
    assert doctest.testmod(quantity).failed == 0
