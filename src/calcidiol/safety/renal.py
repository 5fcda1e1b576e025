"""Kidney function from creatinine: CKD-EPI 2021, Cockcroft-Gault, KDIGO stage."""

from __future__ import annotations

from calcidiol.errors import UsageError

UMOL_PER_MG_DL = 88.42
"""Creatinine, umol/L in 1 mg/dL (project notes on safety 7)."""


def ckd_epi_2021(creatinine_umol_per_l: float, age_y: float, female: bool) -> float:
    """Estimated GFR, mL/min/1.73 m2, from IDMS creatinine; adults only.

    Parameters
    ----------
    creatinine_umol_per_l
        Serum creatinine, above 0.
    age_y
        Age in years.
    female
        Sex as the formula takes it.

    Raises
    ------
    UsageError
        When creatinine or age is not above 0.

    Notes
    -----
    With little muscle it reads too high (cachexia: prefer cystatin C).

    Examples
    --------
    >>> round(ckd_epi_2021(0.9 * 88.42, 55, True), 1)
    75.5

    References
    ----------
    Inker LA et al. New creatinine- and cystatin C-based equations to estimate GFR without race. NEJM 2021;385:1737.
    """
    _positive(creatinine_umol_per_l, age_y)
    ratio = creatinine_umol_per_l / UMOL_PER_MG_DL / (0.7 if female else 0.9)
    power = -0.241 if female else -0.302
    return float(
        142.0 * min(ratio, 1.0) ** power * max(ratio, 1.0) ** -1.200 * 0.9938**age_y * (1.012 if female else 1.0)
    )


def cockcroft_gault(creatinine_umol_per_l: float, age_y: float, weight_kg: float, female: bool) -> float:
    """Creatinine clearance, mL/min.

    Examples
    --------
    >>> round(cockcroft_gault(1.2 * 88.42, 70, 60, True), 1)
    41.3

    References
    ----------
    Cockcroft DW, Gault MH. Nephron 1976;16:31.
    """
    _positive(creatinine_umol_per_l, age_y, weight_kg)
    return (140.0 - age_y) * weight_kg * (0.85 if female else 1.0) / (72.0 * creatinine_umol_per_l / UMOL_PER_MG_DL)


def kdigo_stage(egfr: float) -> str:
    """KDIGO G stage of an eGFR in mL/min/1.73 m2.

    Examples
    --------
    >>> kdigo_stage(30.0), kdigo_stage(29.9)
    ('G3b', 'G4')
    """
    for least, name in ((90.0, "G1"), (60.0, "G2"), (45.0, "G3a"), (30.0, "G3b"), (15.0, "G4")):
        if egfr >= least:
            return name
    return "G5"


def _positive(*values: float) -> None:
    for value in values:
        if not value > 0.0:
            raise UsageError(
                f"Kidney function was asked for with {value!r}; creatinine, age and weight must be above 0."
            )
