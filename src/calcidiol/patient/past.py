"""Vitamin D already given or being taken: from an order or an administration to a `GivenDose`, or why not."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from calcidiol.errors import UnitError
from calcidiol.patient.gather import Gathering
from calcidiol.patient.record import GivenDose, Origin
from calcidiol.quantity import IU_PER_UG, convert, iu_to_nmol, nmol_to_iu
from calcidiol.terminology.drugs import VitaminD
from calcidiol.terminology.text import key

__all__ = ["Order", "add_dose", "last_day"]

LARGEST_DOSE_IU = 660_000.0
"""Largest single dose taken to be true (P): 600,000 IU were given in trials; a tenth is left for the strength of a
product."""
SMALLEST_DOSE_IU = 40.0
"""A single dose below 1 ug is more likely a number of micrograms or of tablets (P)."""
LIFETIME_D = 120 * 366
"""Days that no course of doses is longer than (P): a longer one is a slip of the pen."""


@dataclass(frozen=True, slots=True)
class Order:
    """What is known of a dose before it is turned into nmol and dates."""

    text: str
    amount: float | None = None
    unit: str = ""
    pieces: float | None = None
    strength: tuple[float, str, float] | None = None
    route: str | None = None
    every_days: float | None = None
    once: bool = False
    count: int | None = None
    start: date | None = None
    end: date | None = None
    for_days: float | None = None
    since: bool = False
    ongoing: bool | None = None
    certain: bool = True
    unclear: bool = False
    product: str | None = None
    from_name: bool = False


def add_dose(g: Gathering, where: str, vitamin: VitaminD, order: Order) -> None:
    """File a past dose, or say why it cannot be used."""
    substance = "cholecalciferol" if vitamin.substance == "multivitamin" else vitamin.substance
    amount, unit, strength, route = order.amount, order.unit, order.strength, order.route
    product = _product(order.product or order.text)
    if product is not None:
        substance = product.substance
        route = route or product.route
        if strength is None and getattr(product, "volume_ml", None) and product.strength_amount:
            strength = (float(product.strength_amount), product.strength_unit, float(product.volume_ml))
        if amount is None and order.product and product.strength_amount:
            amount, unit = float(product.strength_amount) * (order.pieces or 1.0), product.strength_unit
    if amount is None:
        reason = "multivitamin_without_amount" if vitamin.substance == "multivitamin" else "dose_without_amount"
        if vitamin.substance == "multivitamin":
            g.skip("dose", reason, where, order.text)
            g.remark(reason, "note", where, text=order.text)
        else:
            g.refuse("dose", reason, where, order.text)
        return
    if order.unclear or (order.every_days is not None and order.every_days <= 0):
        g.refuse("dose", "dose_unclear", where, order.text)
        return
    if not unit:
        g.refuse("dose", "dose_without_unit", where, order.text)
        return
    nmol = _nmol(g, where, substance, amount, unit, strength, order)
    if nmol is None:
        return
    if order.pieces and unit.casefold() != "ml" and not (product is not None and order.amount is None):
        nmol *= order.pieces
    if nmol <= 0:
        g.refuse("dose", "dose_not_positive", where, order.text)
        return
    timing = _timing(g, where, order)
    if timing is None:
        return
    start, every, count, ongoing = timing
    if vitamin.assumed and product is None:
        g.remark("dose_substance_assumed", "note", where, text=order.text)
    if order.from_name:
        g.remark("dose_amount_from_name", "note", where, text=order.text)
    certain = order.certain and not order.from_name
    if route is None:
        route = "oral"
        g.remark("dose_route_assumed", "note", where, text=order.text)
    if route not in ("oral", "im", "sublingual"):
        g.refuse("dose", "dose_route_unknown", where, order.text, route=route)
        return
    iu = nmol_to_iu(nmol, substance) if substance in IU_PER_UG else None
    g.doses.append(
        GivenDose(
            substance=substance,
            route="im" if route == "im" else "oral",
            amount_nmol=nmol,
            iu=None if iu is None else float(f"{iu:.10g}"),
            start=start,
            every_days=every,
            count=count,
            origin=Origin(where, order.text, amount, unit),
            product=product.id if product is not None else None,
            certain=certain,
            ongoing=ongoing,
        )
    )


def _nmol(
    g: Gathering,
    where: str,
    substance: str,
    amount: float,
    unit: str,
    strength: tuple[float, str, float] | None,
    order: Order,
) -> float | None:
    try:
        if unit.casefold() in ("ml", "l", "cc"):
            if strength is None:
                g.refuse("dose", "dose_volume_without_strength", where, order.text)
                return None
            ml = convert(amount, unit, "mL")
            return _to_nmol(strength[0] * ml / strength[2], strength[1], substance)
        return _to_nmol(amount, unit, substance)
    except (UnitError, ZeroDivisionError):
        reason = (
            "dose_iu_meaningless" if unit.casefold() in ("iu", "u", "unit", "units", "[iu]") else "dose_unit_unknown"
        )
        g.refuse("dose", reason, where, order.text, unit=unit)
        return None


def _to_nmol(amount: float, unit: str, substance: str) -> float:
    iu_of = IU_PER_UG.get(substance)
    if iu_of is not None:
        iu = convert(amount, unit, "[iU]", substance)
        return iu_to_nmol(float(f"{iu:.12g}"), substance)
    return convert(amount, unit, "nmol", substance)


def _timing(g: Gathering, where: str, order: Order) -> tuple[date, float, int, bool] | None:
    """Start, interval, count and whether it goes on."""
    start = order.start
    if start is None:
        g.refuse("dose", "dose_undated", where, order.text)
        return None
    every = order.every_days
    if every is None:
        if (
            order.once
            or order.count == 1
            or (order.count is None and not order.since and not order.ongoing and order.end is None)
        ):
            return start, 0.0, 1, False
        g.refuse("dose", "dose_rhythm_unknown", where, order.text)
        return None
    if every <= 0 or every * max(order.count or 1, 1) > LIFETIME_D or (order.for_days or 0.0) > LIFETIME_D:
        g.refuse("dose", "dose_unclear", where, order.text)
        return None
    if order.count is not None:
        if order.count < 1 or order.count > 20000:
            g.refuse("dose", "dose_unclear", where, order.text)
            return None
        return (start, every, order.count, False) if order.count > 1 else (start, 0.0, 1, False)
    if order.end is not None:
        days = (order.end - start).days
        if days < 0:
            g.refuse("dose", "dose_ends_before_start", where, order.text)
            return None
        return start, every, int((days + 1e-9) // every) + 1, False
    if order.for_days is not None:
        return start, every, max(1, round(order.for_days / every)), False
    if order.ongoing is False:
        g.refuse("dose", "dose_end_unknown", where, order.text)
        return None
    return start, every, 0, True


def last_day(dose: GivenDose) -> date | None:
    """Day of the last dose; None when it goes on."""
    if dose.ongoing:
        return None
    return dose.start + timedelta(days=dose.every_days * max(dose.count - 1, 0))


def _product(text: str) -> Any | None:
    """The product that a text names by its id or full name; None when there is none, or no table of products yet."""
    try:
        from calcidiol.terminology import products
    except ImportError:
        return None
    wanted = key(text)
    for product in products().values():
        if wanted and wanted in (key(product.id), key(product.name)):
            return product
    return None
