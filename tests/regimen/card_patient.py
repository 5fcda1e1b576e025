"""Patients whose draws are known: the default card around given effects, without any fitting."""

from __future__ import annotations

from datetime import date
from types import SimpleNamespace

import numpy as np

from calcidiol.kinetics import Covariates, Schedule, default_card, individual_parameters, solve
from calcidiol.kinetics.layout import NAMES as PARAMETER_NAMES

ON = date(2026, 11, 21)


class CardPatient:
    """Draws of the default card: `level` is the median untreated level, `cv` the log SD of all effects.

    `past` is a schedule of doses before day 0 (negative days). `response` and `depot` shift the conversion and the
    depot's rate (log).
    """

    def __init__(
        self,
        level: float = 30.0,
        *,
        cv: float = 0.2,
        weight_kg: float = 70.0,
        bmi: float = 24.0,
        past: Schedule | None = None,
        response: float = 0.0,
        depot: float = 0.0,
        ess: float = 4000.0,
        on: date = ON,
        **covariates: float,
    ) -> None:
        self.card = default_card()
        self.on, self.ess, self.cv = on, ess, cv
        self.level, self.past, self.shift = level, past, {"conversion": response, "depot": depot}
        self.person = {"weight_kg": weight_kg, "bmi": bmi, **covariates}
        self.covariates = SimpleNamespace(weight_kg=np.full(5, weight_kg))
        self.bias = np.zeros((5, 0))

    def resample(self, n: int, seed: int) -> SimpleNamespace:
        """Parameters (n, P) and the state on day 0."""
        names = list(self.card.random_effects)
        effects = self.cv * np.random.default_rng(seed).standard_normal((n, len(names)))
        people = Covariates.reference(self.card, n).with_(**self.person)
        for name, by in self.shift.items():
            effects[:, names.index(name)] += by
        parameters = individual_parameters(self.card, people, effects)
        k = list(PARAMETER_NAMES).index("untreated")
        parameters[:, k] = self.level * np.exp(effects[:, names.index("untreated")])
        past = self.past if self.past is not None else Schedule.of([])
        doy = float(self.on.timetuple().tm_yday)
        state = solve(self.card, parameters, past, [0.0], origin_doy=doy, want=("state",)).state
        return SimpleNamespace(parameters=parameters, state=state, bias=np.zeros((n, 0)), next_bias=np.zeros(n))
