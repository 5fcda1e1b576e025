"""Published loading formulas, used only to build named protocols and as cross-checks of the kinetic model.

Numbers that a protocol may set stand in `protocols.toml`; the coefficients of a published regression stand here beside
the formula they belong to, because alone they mean nothing.
"""

from __future__ import annotations

import math

from calcidiol.errors import UsageError


def van_groningen_total(
    level_nmol_per_l: float,
    weight_kg: float,
    *,
    factor: float = 40.0,
    target_nmol_per_l: float = 75.0,
    largest_weight_kg: float = 125.0,
) -> float:
    """Oral loading dose, IU: 40 x (75 - level) x weight; 0 when the level is at the target.

    Found in 208 adults below 50 nmol/L who took 100,000 to 200,000 IU by mouth and were sampled 10 days after the last
    dose; it explains 38 % of the rise. Not for injections. Another target than 75 is an extrapolation (P), the weight
    is capped at 125 kg (P).

    Raises
    ------
    UsageError
        A value is not finite, or the weight is not positive.

    Source: van Groningen 2010, Eur J Endocrinol 162:805 (V).

    >>> van_groningen_total(25.0, 70.0)
    140000.0
    """
    _finite(level_nmol_per_l=level_nmol_per_l, weight_kg=weight_kg)
    if weight_kg <= 0.0:
        raise UsageError(f"A weight of {weight_kg:g} kg cannot be used in the loading formula.")
    return max(factor * (target_nmol_per_l - level_nmol_per_l) * min(weight_kg, largest_weight_kg), 0.0)


def van_groningen_rise(total_iu: float, weight_kg: float) -> float:
    """The same rule read the other way: rise of 25(OH)D, nmol/L, after an oral load of `total_iu`.

    >>> round(van_groningen_rise(140_000.0, 70.0), 1)
    50.0
    """
    _finite(total_iu=total_iu, weight_kg=weight_kg)
    return 0.025 * total_iu / weight_kg


def singh_bonham_daily(
    level_ng_per_ml: float,
    rise_ng_per_ml: float,
    age_y: float,
    bmi_kg_per_m2: float,
    albumin_g_per_dl: float,
) -> float:
    """Daily oral dose, IU, for a wanted rise; kept within 0 to 10,000.

    Retrospective: 1,327 patients, 3,885 episodes. Source: Singh & Bonham 2014, J Am Board Fam Med 27:495 (V).

    >>> round(singh_bonham_daily(15.0, 20.0, 60.0, 28.0, 4.0))
    7490
    """
    _finite(level=level_ng_per_ml, rise=rise_ng_per_ml, age=age_y, bmi=bmi_kg_per_m2, albumin=albumin_g_per_dl)
    dose = (
        8.52 - rise_ng_per_ml + 0.074 * age_y - 0.20 * bmi_kg_per_m2 + 1.74 * albumin_g_per_dl - 0.62 * level_ng_per_ml
    ) / -0.002
    return min(max(dose, 0.0), 10_000.0)


def _finite(**values: float) -> None:
    for name, value in values.items():
        if not math.isfinite(value):
            raise UsageError(f"{name} = {value!r} cannot be used in a loading formula; a finite number is needed.")
