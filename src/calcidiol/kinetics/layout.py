"""Names and order of the solver's parameters and states, and their canonical units.

The kernel reads parameters as rows of an array; this is the one place that says which row is what.
"""

from __future__ import annotations

PARAMETERS: dict[str, str] = {
    "ka": "1/d",
    "kim": "1/d",
    "kim_slow": "1/d",
    "im_fast": "1",
    "kc": "1/d",
    "f_oral": "1",
    "f_im": "1",
    "f_calcifediol": "1",
    "v1": "L",
    "v2": "L",
    "q": "L/d",
    "clo": "L/d",
    "vmax": "nmol/d",
    "km": "nmol/L",
    "clh": "L/d",
    "v25": "L",
    "v25p": "L",
    "q25": "L/d",
    "cl25": "L/d",
    "hill_clmax": "L/d",
    "hill_c50": "nmol/L",
    "hill_g": "1",
    "untreated": "nmol/L",
    "season_amplitude": "1",
    "season_phase_d": "d",
}
"""Solver parameter -> canonical unit, in the order of the kernel's rows."""

NAMES = tuple(PARAMETERS)
ROW = {name: i for i, name in enumerate(NAMES)}

STATES = ("oral", "im_fast", "im_slow", "calcifediol", "c1", "c2", "c25", "c25p")
"""Amounts in the depots (nmol), then concentrations (nmol/L): D3 central and store, 25(OH)D central and peripheral."""

PER_DAY = {
    "1/h": ("1/d", 24.0),
    "1/d": ("1/d", 1.0),
    "L/h": ("L/d", 24.0),
    "L/d": ("L/d", 1.0),
    "nmol/h": ("nmol/d", 24.0),
    "nmol/d": ("nmol/d", 1.0),
    "L": ("L", 1.0),
    "L/kg": ("L/kg", 1.0),
    "nmol/L": ("nmol/L", 1.0),
    "1": ("1", 1.0),
    "d": ("d", 1.0),
    "%": ("1", 0.01),
}
"""Units that a card may use -> canonical unit and factor. Anything else is refused by the card loader."""
