"""Short records for the tests of this room."""

from __future__ import annotations

import importlib.util
from datetime import date, datetime, timedelta
from pathlib import Path
from types import ModuleType

from calcidiol.patient.record import Condition, GivenDose, Lab, Origin, Patient

ON = date(2026, 6, 10)
VALIDATION = Path(__file__).parents[2] / "validation" / "individual"
IU = 65.0 / 1000.0


def lab(value: float, day: int, *, comparator: str = "", assay: str | None = "lc-ms", hour: int | None = None) -> Lab:
    """A 25(OH)D result, nmol/L, `day` days from ON (negative: before)."""
    when = datetime(ON.year, ON.month, ON.day, 12 if hour is None else hour) + timedelta(days=day)
    return Lab(
        "25ohd", value, "nmol/L", when, Origin(f"labs[{day}]"), comparator, assay=assay, has_time=hour is not None
    )  # type: ignore[arg-type]


def size(name: str, value: float) -> tuple[Lab, ...]:
    return (Lab(name, value, "", datetime(2026, 1, 1, 12), Origin(name)),)


def oral(iu: float, day: int, every: float = 7, count: int = 1, **more: object) -> GivenDose:
    start = ON + timedelta(days=day)
    return GivenDose("cholecalciferol", "oral", iu * IU, iu, start, every, count, Origin("d"), **more)  # type: ignore[arg-type]


def injection(iu: float, day: int, every: float = 28, count: int = 1) -> GivenDose:
    return GivenDose("cholecalciferol", "im", iu * IU, iu, ON + timedelta(days=day), every, count, Origin("d"))


def person(*labs: Lab, doses: tuple[GivenDose, ...] = (), cancer: bool = False, **changes: object) -> Patient:
    """Everything known: a woman of 60 years, 70 kg, 165 cm, 25 degrees north."""
    known: dict[str, object] = {
        "sex": "female",
        "age_y": 60.0,
        "latitude_deg": 25.0,
        "sun": "usual",
        "weight_kg": size("weight", 70.0),
        "height_cm": size("height", 165.0),
        "conditions": (Condition((), "cancer", ("cancer",), Origin("c")),) if cancer else (),
    }
    known.update(changes)
    egfr = (Lab("egfr", 90.0, "", datetime(2026, 1, 1, 12), Origin("egfr")),)
    return Patient("x", labs=(*egfr, *labs), doses=doses, **known)  # type: ignore[arg-type]


def stranger(*labs: Lab, doses: tuple[GivenDose, ...] = ()) -> Patient:
    """Nothing known but results and doses."""
    return Patient("x", labs=labs, doses=doses)


def load(name: str) -> ModuleType:
    """A script of validation/individual as a module."""
    spec = importlib.util.spec_from_file_location(f"validation_individual_{name}", VALIDATION / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
