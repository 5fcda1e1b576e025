"""Sentences of evidence for a plan: ids and parameters, each resting on a claim, in words that carry the certainty."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from calcidiol.errors import KnowledgeError
from calcidiol.evidence.certainty import certainty, rules
from calcidiol.evidence.load import DATA, load
from calcidiol.evidence.pool import pool
from calcidiol.evidence.record import Certainty, Claim, Ledger

LEADS = ("contradicted", "unsupported", "trials", "trials_weak", "levels", "cohorts", "series", "cells", "textbook")
_BY_DESIGN = {
    "pharmacokinetic studies": "levels",
    "cohorts": "cohorts",
    "uncontrolled series": "series",
    "cell experiments": "cells",
    "animal experiments": "cells",
    "guidelines": "textbook",
    "none": "textbook",
}
_KEYS = {"routes", "single_dose_iu", "every_days", "flags", "conditions", "drugs", "status"}


@dataclass(frozen=True, slots=True)
class Advice:
    """A sentence of evidence that a plan may carry."""

    id: str
    claim: str
    when: Mapping[str, Any]
    numbers: Mapping[str, str] = field(default_factory=dict)


def lead(claim: Claim, grade: Certainty) -> str:
    """Which words open a sentence about a claim.

    ``contradicted`` and ``unsupported`` follow the verdict; otherwise the design of the evidence decides: ``trials``
    (moderate or high certainty), ``trials_weak``, ``levels`` (blood levels), ``cohorts`` (association), ``series``
    (uncontrolled), ``cells`` (experiments only), ``textbook``.
    """
    if claim.verdict in ("contradicted", "unsupported"):
        return claim.verdict
    if grade.design == "randomized trials":
        return "trials" if grade.level in ("moderate", "high") else "trials_weak"
    return _BY_DESIGN[grade.design]


@lru_cache(maxsize=1)
def table() -> tuple[Advice, ...]:
    """All sentences that a plan may carry.

    Raises
    ------
    KnowledgeError
        For a sentence without a claim of the ledger, or a condition that nothing reads.
    """
    known = load().claims
    rows = []
    for name, row in tomllib.loads((DATA / "advice.toml").read_text(encoding="utf-8")).items():
        unknown = sorted(set(row.get("when", {})) - _KEYS)
        if unknown:
            raise KnowledgeError(
                f"advice.toml, [{name}]: when has {', '.join(unknown)}, which nothing reads. "
                f"Use {', '.join(sorted(_KEYS))}."
            )
        if row.get("claim") not in known:
            raise KnowledgeError(f"advice.toml, [{name}]: the claim {row.get('claim')!r} is not in claims.csv.")
        rows.append(Advice(name, row["claim"], row.get("when", {}), row.get("numbers", {})))
    return tuple(rows)


def _some(wanted: Iterable[str], have: Any) -> bool:
    return bool(set(wanted) & set(have or ()))


def applies(advice: Advice, context: Mapping[str, Any]) -> bool:
    """Whether a sentence belongs into a plan of this context; what the context does not give does not hold."""
    when = advice.when
    flags = context.get("flags") or [k for k, v in context.items() if v is True]
    return (
        ("routes" not in when or _some(when["routes"], context.get("routes")))
        and ("conditions" not in when or _some(when["conditions"], context.get("conditions")))
        and ("drugs" not in when or _some(when["drugs"], context.get("drugs")))
        and ("flags" not in when or _some(when["flags"], flags))
        and ("status" not in when or context.get("status") in when["status"])
        and ("single_dose_iu" not in when or float(context.get("single_dose_iu") or 0.0) >= when["single_dose_iu"])
        and ("every_days" not in when or float(context.get("every_days") or 0.0) >= when["every_days"])
    )


def _number(where: str, ledger: Ledger, name: str) -> Any:
    sign = -1.0 if where.startswith("-") else 1.0
    kind, _, rest = where.removeprefix("-").partition(":")
    item, _, attribute = rest.rpartition(".")
    try:
        if kind == "study":
            value = getattr(ledger.studies[item], attribute)
        elif kind == "concentration":
            value = getattr(ledger.concentrations[item], attribute)
        elif kind == "reach":
            value = getattr(ledger.reach[item], attribute)
        elif kind == "pool":
            value = getattr(pool(item, ledger=ledger), attribute)
        else:
            raise KeyError(kind)
    except (KeyError, AttributeError):
        raise KnowledgeError(f"advice.toml, [{name}]: {where!r} names nothing in the ledger.") from None
    return round(sign * value, 4) if isinstance(value, float) else value


def for_plan(context: Mapping[str, Any], *, ledger: Ledger | None = None) -> tuple[dict[str, Any], ...]:
    """Sentences of evidence for a plan.

    Parameters
    ----------
    context
        What the plan is about: ``routes`` (``"im"``, ``"oral"``), ``single_dose_iu``, ``every_days``, ``status`` of the
        verdict, ``conditions`` and ``drugs`` (ids of the terminology), and flags (``cancer=True``). Missing keys do not
        hold.

    Returns
    -------
    tuple of dict
        ``text_id``, ``params``, ``claims`` (ids), ``verdict``, ``certainty``, ``lead`` and ``design`` of each sentence;
        the words are made by the report.

    Examples
    --------
    >>> [row["claims"][0] for row in for_plan({"routes": ["im"]})]
    ['C02']
    """
    ledger = ledger or load()
    rows = []
    for advice in table():
        if not applies(advice, context):
            continue
        claim = ledger.claims[advice.claim]
        grade = certainty(claim, ledger)
        opening = lead(claim, grade)
        studies = (*claim.supporting, *claim.contradicting)
        rows.append(
            {
                "id": advice.id,
                "text_id": f"evidence.{advice.id}.{opening}",
                "params": {key: _number(where, ledger, advice.id) for key, where in advice.numbers.items()},
                "claims": [claim.claim_id],
                "verdict": claim.verdict,
                # what cells do with certainty says next to nothing about a patient
                "certainty": rules()["treatment"]["cell"] if opening == "cells" else grade.level,
                "lead": opening,
                "design": grade.design,
                "studies": list(studies),
                "tag": max((ledger.studies[s].tag for s in studies), default="R", key=lambda tag: "VSPR".index(tag)),
            }
        )
    return tuple(rows)
