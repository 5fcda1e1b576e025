"""Calcium that follows 25(OH)D: the published calcium-PTH-calcitriol subset with our coupling.

What is published and what is ours stands in the card (`cards/calcium-2026.toml`). Two couplings fit alike and both are
carried. It is a prior prediction only: of an adult whose calcium is regulated normally.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from calcidiol.errors import SolverError, UsageError
from calcidiol.kinetics.calcium_card import CalciumCard, calcium_card

Array = NDArray[np.float64]

TOLERANCE = 0.01
"""Relative change per step that the step control allows (measured: calcium within 0.001 mmol/L of Radau at 1e-8)."""
TEN_YEARS_D = 3652.5


@dataclass(frozen=True, slots=True)
class CalciumPerson:
    """What moves the model for one person; defaults are the model's own baseline.

    Parameters
    ----------
    egfr
        ML/min/1.73 m2; 100 is the baseline of 6 L/h.
    albumin_g_per_l
        For the free hormones.
    dbp_mol_per_l
        Vitamin D binding protein; None: the card's.
    extra_calcium_mg_per_d
        Elemental calcium from medicines, beside the diet of the card.
    urine
        Factor on urine calcium (thiazide: below 1).
    """

    egfr: float = 100.0
    albumin_g_per_l: float = 40.0
    dbp_mol_per_l: float | None = None
    extra_calcium_mg_per_d: float = 0.0
    urine: float = 1.0


@dataclass(frozen=True, slots=True)
class CalciumCourse:
    """Calcium (mmol/L) of each lane at each time, its end state, and a status (0 ok) per lane."""

    times_d: Array
    calcium_mmol_per_l: Array
    end: Array
    status: NDArray[np.int8]


def lane_parameters(person: CalciumPerson, coupling: str, card: CalciumCard | None = None) -> Array:
    """Parameters of one lane in the order of the kernel.

    Raises
    ------
    UsageError
        When the coupling is not in the card.
    """
    from calcidiol.kinetics.calcium_kernel import free_hormones

    card = card or calcium_card()
    if coupling not in card.couplings:
        raise UsageError(f"The coupling {coupling!r} is not in the card {card.id}; known: {', '.join(card.couplings)}.")
    rho, er, h, xr, g, tau, km, s = card.couplings[coupling]
    shared, published = card.shared, card.published
    dbp = shared["dbp_mol_per_l"] if person.dbp_mol_per_l is None else person.dbp_mol_per_l

    def row(albumin: float, binding: float, base: float) -> Array:
        return np.array(
            [
                published["gfr_l_per_h"] * person.egfr / 100.0,
                (published["oral_calcium_mmol_per_d"] + person.extra_calcium_mg_per_d / 40.078) / 24.0,
                person.urine,
                albumin / shared["albumin_molar_mass"],
                binding,
                base,
                rho, er, h, xr, g, tau, km, s,
                shared["d0_nmol_per_l"],
                shared["k_dbp_25"], shared["k_alb_25"], shared["k_dbp_125"], shared["k_alb_125"],
                shared["feedback_from_mmol_per_l"], shared["feedback_scale_mmol_per_l"],
            ]
        )  # fmt: skip

    reference = row(shared["albumin_g_per_l"], shared["dbp_mol_per_l"], 1.0)
    f25, phi = free_hormones(shared["d0_nmol_per_l"], reference)
    calcitriol = card.start["calcitriol_pmol"] / published["volume_l"]
    return row(person.albumin_g_per_l, dbp, calcitriol * phi + f25 / rho)


def baseline(card: CalciumCard | None = None) -> Array:
    """The published start values, (12,)."""
    return np.array([*(card or calcium_card()).start.values(), 1.0])


def residuals(person: CalciumPerson, coupling: str, level_nmol_per_l: float, state: Array | None = None) -> Array:
    """Time derivatives of all states, per hour, (12,)."""
    from calcidiol.kinetics.calcium_kernel import N, free_hormones, slopes

    par = lane_parameters(person, coupling)
    f25, phi = free_hormones(level_nmol_per_l, par)
    dy = np.empty(N)
    slopes(baseline() if state is None else state, par, level_nmol_per_l, f25, phi, dy, np.empty((N, N)), False)
    return dy


def simulate(
    level_nmol_per_l: Array, times_d: Array, parameters: Array, start: Array, *, tolerance: float = TOLERANCE
) -> CalciumCourse:
    """Follow many lanes through a course of 25(OH)D.

    Parameters
    ----------
    level_nmol_per_l
        25(OH)D, (L, T), linear between the times.
    times_d
        Days, (T,), rising.
    parameters
        `lane_parameters`, (P,) for all lanes or (L, P).
    start
        States at the first time, (12,) or (L, 12).

    Raises
    ------
    SolverError
        When no lane could be solved.
    UsageError
        When shapes or levels make no sense.
    """
    from calcidiol.kinetics import calcium_kernel as kernel

    level = np.ascontiguousarray(np.atleast_2d(level_nmol_per_l), dtype=np.float64)
    times = np.ascontiguousarray(times_d, dtype=np.float64)
    if level.shape[1] != len(times) or np.any(np.diff(times) <= 0.0):
        raise UsageError(f"Levels of shape {level.shape} need as many rising times, got {len(times)}.")
    if not np.all(np.isfinite(level)) or np.any(level <= 0.0):
        raise UsageError("25(OH)D has to be finite and above 0 nmol/L at every time.")
    lanes = len(level)
    par = np.ascontiguousarray(np.broadcast_to(parameters, (lanes, len(kernel.PARAMETERS))))
    begin = np.ascontiguousarray(np.broadcast_to(start, (lanes, kernel.N)))
    out, end = np.empty(level.shape), np.empty((lanes, kernel.N))
    status = np.zeros(lanes, np.int8)
    kernel.course(begin, par, level, times * 24.0, tolerance, out, end, status)
    if lanes and np.all(status != 0):
        raise SolverError(f"The calcium model could not be solved for any of {lanes} lanes (status {status[0]}).")
    return CalciumCourse(times, out, end, status)


def equilibrium(levels_nmol_per_l: Array, parameters: Array, *, years: float = 10.0) -> Array:
    """States after `years` at constant levels, (L, 12), from the published start values."""
    levels = np.atleast_1d(np.asarray(levels_nmol_per_l, dtype=np.float64))
    days = np.concatenate([[0.0], np.geomspace(1.0, 365.25 * years, 24)])
    held = np.repeat(levels[:, None], len(days), axis=1)
    return simulate(held, days, parameters, baseline(), tolerance=0.02).end
