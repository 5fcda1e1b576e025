"""What moves the parameters of a forecast in this patient, and the same patient without it.

The fit already holds these factors: a course is forecast with the inducer, the glucocorticoid, the poor uptake. To show
what each of them does, the same draws are taken with the factor divided out again. Nothing is fitted anew: a level that
was low because of an inducer would else be explained by something that stays when the inducer is gone.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date
from typing import TYPE_CHECKING, Any

from calcidiol.patient.record import Patient
from calcidiol.safety.clashes import interactions
from calcidiol.safety.rulebook import Knowledge

if TYPE_CHECKING:
    from calcidiol.individual import Ensemble
    from calcidiol.kinetics import Card

CLEARANCE = ("cl25", "hill_clmax")
UPTAKE = ("f_oral",)
HALVINGS = 60
"""Halvings of the interval of a root: exact to the last bit."""


@dataclass(frozen=True, slots=True)
class Mover:
    """Something that moves parameters.

    `covariate` is the covariate of the card (``"inducer"``, ``"glucocorticoid"``, ``"malabsorption"``), `parameters`
    are the rows of the solver that it multiplies by `factor`, `by` is how the record writes it, `rules` are the
    interactions that tell it (none for a disease), `source` and `tag` are those of the factor in the card.
    """

    covariate: str
    parameters: tuple[str, ...]
    factor: float
    by: str
    rules: tuple[str, ...]
    source: str
    tag: str

    def to_dict(self) -> dict[str, Any]:
        """Plain data for a plan."""
        return {
            "covariate": self.covariate,
            "parameters": list(self.parameters),
            "factor": self.factor,
            "by": self.by,
            "rules": list(self.rules),
            "source": self.source,
            "tag": self.tag,
        }


def movers(patient: Patient, on: date, card: Card, knowledge: Knowledge | None = None) -> tuple[Mover, ...]:
    """What moves the parameters of this patient on a day, with sizes and sources.

    Parameters
    ----------
    patient, on
        The record and the day of the plan.
    card
        Model card whose factors the fit uses.
    knowledge
        Rules; the shipped ones when None.

    Returns
    -------
    tuple of Mover
        At most one for each covariate, as the fit counts it: two inducers move clearance once. A medicine with a
        direction only (a fat binder) moves nothing and has none.

    Examples
    --------
    >>> from calcidiol.kinetics import default_card
    >>> from calcidiol.patient.record import Drug, Origin
    >>> drug = Drug((), "carbamazepine 400 mg", ("inducing_antiepileptic", "enzyme_inducer"), Origin("drugs[0]"))
    >>> (one,) = movers(Patient("x", drugs=(drug,)), date(2026, 11, 24), default_card())
    >>> one.covariate, one.parameters, one.by, one.rules
    ('inducer', ('cl25', 'hill_clmax'), 'carbamazepine 400 mg', ('DI05',))
    """
    import numpy as np

    from calcidiol.individual.people import INDUCERS, people

    fitted = people(patient, card, on, 1, np.random.default_rng(0)).covariates
    found: list[Mover] = []
    told = [i for i in interactions(patient, on, knowledge) if i.moves]
    for covariate, classes in (("inducer", INDUCERS), ("glucocorticoid", ("glucocorticoid",))):
        if getattr(fitted, covariate)[0]:
            drugs = [d for d in patient.drugs if d.taken_on(on) and set(classes) & set(d.classes)]
            factor = card.numbers["covariates"][f"clearance_{covariate}"]
            names = ", ".join(dict.fromkeys(d.text or d.classes[0] for d in drugs))
            rules = tuple(dict.fromkeys(i.id for i in told if (i.id == "DI03") == (covariate == "glucocorticoid")))
            found.append(Mover(covariate, CLEARANCE, factor.value, names, rules, factor.source, factor.tag))
    degree = fitted.malabsorption[0]
    if degree >= 1.0:
        factor = card.numbers["covariates"][f"oral_{'severe' if degree >= 2.0 else 'mild'}_malabsorption"]
        found.append(Mover("malabsorption", UPTAKE, factor.value, _uptake(patient), (), factor.source, factor.tag))
    return tuple(m for m in found if m.factor != 1.0)


def _uptake(patient: Patient) -> str:
    """How the record writes what lowers the uptake."""
    from calcidiol.terminology.conditions import malabsorption_of

    names = [c.text for c in patient.conditions if c.active and malabsorption_of(c.concepts)]
    names += [p.text for p in patient.procedures if malabsorption_of(p.concepts)]
    return ", ".join(dict.fromkeys(n for n in names if n)) or "malabsorption"


def without(ensemble: Ensemble, found: Iterable[Mover]) -> Ensemble:
    """The same draws with the movers' factors divided out.

    The input of vitamin D before the plan stays what it was, so the untreated level moves to where that input would
    hold it; the level on day 0 is what it is. Without poor uptake only the doses by mouth are taken up better: how much
    of the input so far came from food is not known.

    Parameters
    ----------
    ensemble
        Draws of the patient (`Individual.resample`).
    found
        What to leave out (`movers`).
    """
    import numpy as np

    from calcidiol.kinetics.layout import ROW
    from calcidiol.kinetics.steady import clearance_25

    p = ensemble.parameters.copy()
    formed = clearance_25(p, p[:, ROW["untreated"]]) * p[:, ROW["untreated"]]
    cleared = False
    for one in found:
        for name in one.parameters:
            p[:, ROW[name]] /= one.factor
        cleared = cleared or one.parameters == CLEARANCE
    if cleared:
        low, high = np.zeros(len(p)), p[:, ROW["untreated"]].copy()
        while np.any(short := clearance_25(p, high) * high < formed):
            high[short] *= 2.0
        for _ in range(HALVINGS):
            middle = 0.5 * (low + high)
            short = clearance_25(p, middle) * middle < formed
            low, high = np.where(short, middle, low), np.where(short, high, middle)
        p[:, ROW["untreated"]] = high
    return replace(ensemble, parameters=p)
