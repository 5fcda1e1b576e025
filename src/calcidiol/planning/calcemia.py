"""Calcium, the second forecast: a limit of the search, and shown beside the patient untreated."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import numpy as np
from numpy.typing import NDArray

from calcidiol.errors import SolverError
from calcidiol.individual import Ensemble
from calcidiol.kinetics import Regimen, Schedule, solve
from calcidiol.patient.record import Patient
from calcidiol.regimen import Harm
from calcidiol.regimen.score import UNSOLVED
from calcidiol.safety.hypercalcemia import CalciumOption, CalciumRisk, calcium_risk
from calcidiol.safety.published import pinned_counts

WEEKS = 52


@dataclass
class Calcemia:
    """The calcium forecast of one patient; remembers what it was asked, so that the plan can show it."""

    patient: Patient
    day: date
    ensemble: Ensemble
    seed: int
    alpha: float
    risk: CalciumRisk | None = None
    options: dict[Regimen, CalciumOption] = field(default_factory=dict)

    def ask(self, regimens: Sequence[Regimen]) -> list[Harm]:
        """The excess probability of each regimen over the untreated patient, as the search takes it."""
        new = [r for r in dict.fromkeys(regimens) if r not in self.options]
        if new:
            times = np.arange(0.0, WEEKS * 7.0 + 1.0, 7.0)
            schedules = [Schedule.of(()), *(r.schedule(self.day) for r in new)]
            solved = solve(
                self.ensemble.card,
                self.ensemble.parameters,
                schedules,
                times,
                origin_doy=self.ensemble.origin_doy,
                pairing="cross",
                start=self.ensemble.state,
            )
            finite: NDArray[np.bool_] = np.all(np.isfinite(solved.level), axis=(0, 2))
            if np.mean(finite) < 1.0 - UNSOLVED:
                raise SolverError(
                    f"{int(np.sum(~finite))} of {len(finite)} draws of this patient could not be followed; at most "
                    f"{UNSOLVED:.0%} may fail. Check the record's weight, doses and levels, or use another card."
                )
            untreated, *treated = solved.level[:, finite]
            levels = {str(i): level for i, level in enumerate(treated)}
            self.risk = calcium_risk(self.patient, self.day, times, untreated, levels, seed=self.seed, alpha=self.alpha)
            # Keyed by the doses: a regimen that was moved or lowered afterwards may keep its name.
            self.options |= {new[int(i)]: option for i, option in self.risk.options.items()}
        assert self.risk is not None
        alpha, status = self.risk.alpha, self.risk.status
        told = []
        for regimen in regimens:
            option = self.options.get(regimen)
            if option is None or option.excess is None or not regimen.runs:
                told.append(
                    Harm(None, 0.0, alpha, "calcium.no_basis" if status == "exploratory" else "calcium.not_known")
                )
            else:
                told.append(Harm(max(option.excess, 0.0), option.mc_error or 0.0, alpha))
        return told

    def told(self, regimen: Regimen) -> dict[str, Any] | None:
        """The calcium part of a plan for one regimen."""
        self.ask([regimen])
        risk, option = self.risk, self.options.get(regimen)
        if risk is None:
            return None
        if option is None or risk.status == "not_known":
            return {"status": risk.status, "text_id": "calcium.not_known", "params": {}, "exploratory": True}
        start = self.day.toordinal()
        numbers = {
            "probability": option.probability,
            "untreated": option.untreated,
            "excess": option.excess,
            "error": option.mc_error,
            "alpha": risk.alpha,
            "limit": risk.upper_limit,
        }
        computed = risk.status == "computed"
        return {
            "status": risk.status,
            "exploratory": not computed,
            "acceptable": option.acceptable,
            "text_id": "calcium.limit" if computed else "calcium.no_basis",
            "params": numbers if computed else {"what": list(risk.reasons)},
            **numbers,
            "mc_error": option.mc_error,
            "upper_limit_mmol_per_l": risk.upper_limit,
            "dates": [date.fromordinal(start + int(t)).isoformat() for t in risk.times_d],
            "p05": option.p05,
            "p50": option.p50,
            "p95": option.p95,
            "notes": [{"text_id": n.text_id, "params": dict(n.params)} for n in risk.notes],
            "caveat_id": "calcium.not_validated",
            "published": [dict(row) for row in pinned_counts()],
        }
