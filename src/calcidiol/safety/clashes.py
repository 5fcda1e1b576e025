"""Interactions: which medicines of the record act on vitamin D, calcium or the injection."""

from __future__ import annotations

from datetime import date

from calcidiol.patient.record import Patient
from calcidiol.safety.facts import Facts
from calcidiol.safety.rulebook import Knowledge
from calcidiol.safety.rulebook import knowledge as shipped
from calcidiol.safety.seen import POSSIBLE
from calcidiol.safety.verdict import Interaction


def interactions(
    patient: Patient, on: date | None = None, knowledge: Knowledge | None = None
) -> tuple[Interaction, ...]:
    """Interactions of the medicines in the record.

    Parameters
    ----------
    patient
        The record.
    on
        Day on which the medicine is taken; the last day that the record knows of when None.
    knowledge
        Rules; the shipped ones when None.

    Returns
    -------
    tuple of Interaction
        `moves` has a factor for each kinetic parameter that is known to move (of the same parameter the largest counts
        once: two inducers are not multiplied, see `moved`); an effect without a known size has none, `params["size"]`
        is then ``"direction only"``.
    """
    known = knowledge or shipped()
    facts = Facts(patient, on or _last_day(patient), known.numbers)
    found = []
    for clash in known.clashes:
        if clash.condition.truth(facts) < POSSIBLE:
            continue
        drugs = ", ".join(dict.fromkeys(facts.drug_of(c) for c in clash.classes if facts.takes(c)))
        found.append(
            Interaction(
                id=clash.id,
                drug=drugs,
                effect_id=clash.text_id,
                source=clash.source,
                tag=clash.tag,
                level=clash.level,
                params={"drug": drugs, "size": clash.size or "direction only"},
                moves=dict(clash.moves),
            )
        )
    return tuple(found)


def _last_day(patient: Patient) -> date:
    days = [x.when.date() for x in patient.labs] + [d.start for d in patient.drugs if d.start is not None]
    return max(days, default=date(9000, 1, 1))


def moved(found: tuple[Interaction, ...]) -> dict[str, float]:
    """One factor for each kinetic parameter: the one furthest from 1 when several medicines move it."""
    factors: dict[str, float] = {}
    for one in found:
        for name, factor in one.moves.items():
            if abs(factor - 1.0) > abs(factors.get(name, 1.0) - 1.0):
                factors[name] = factor
    return factors
