"""Risk of a low 25(OH)D before any level is known: who should be measured, and what to ask first.

The points of the VDIP score and the odds ratios of D-ONC (`deficiency.toml`), from what the record and its `intake:`
say. Nothing here is calibrated for one clinic: the score was made in healthy French adults, the odds ratios in one
cancer clinic, and their sum assumes that they act independently. An item that is not known leaves an interval.
"""

from __future__ import annotations

import functools
import math
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from importlib import resources
from typing import Any, Literal

from calcidiol.errors import KnowledgeError, UsageError
from calcidiol.patient.record import Patient
from calcidiol.safety.facts import Facts
from calcidiol.safety.language import Condition, parse
from calcidiol.safety.rulebook import Knowledge
from calcidiol.safety.rulebook import knowledge as shipped
from calcidiol.safety.seen import POSSIBLE

FILE = "safety/deficiency.toml"

Advice = Literal["known", "measure_first", "measure", "ask", "not_now"]

ANSWERS: dict[str, dict[str, frozenset[str]]] = {
    "skin": {
        "yes": frozenset({"dark", "very dark", "brown", "black", "very fair", "very light", "深", "深色", "很白"}),
        "no": frozenset({"fair", "light", "medium", "olive", "intermediate", "白", "中等"}),
    },
    "activity": {
        "yes": frozenset({"low", "none", "bedridden", "sedentary", "少", "低"}),
        "no": frozenset({"moderate", "medium", "high", "usual", "normal", "中等", "高"}),
    },
    "sun": {
        "low": frozenset({"low", "none", "avoids", "avoid", "little", "少", "避免"}),
        "moderate": frozenset({"moderate", "medium", "some", "中等"}),
        "high": frozenset({"high", "much", "daily", "多"}),
    },
    "treatment": {
        "palliative": frozenset({"palliative", "安寧", "緩和", "姑息"}),
        "adjuvant": frozenset({"adjuvant", "輔助"}),
        "other": frozenset({"none", "curative", "neoadjuvant", "surveillance", "other", "無"}),
    },
}
"""What `intake:` may say, and what each answer means."""

SOUTH_MONTHS, TROPIC_DEG, NORTHERN_DEG = 6, 23.5, 48.0
"""Months between the halves of the earth; no seasons up to this latitude (P); the score's limit (both halves: P)."""
SEASONS = {12: "winter", 1: "winter", 2: "late_winter", 3: "late_winter", 4: "spring", 5: "spring"}
"""Months of the northern half of the earth (P: the score names the seasons, not their months)."""
OVERWEIGHT, OBESE = 25.0, 30.0
"""Body mass index, kg/m2 (WHO)."""


@dataclass(frozen=True, slots=True)
class RiskItem:
    """One item: `present` is None when the record does not say. `points` or `odds` is 0 where a source lacks it."""

    id: str
    group: str
    present: bool | None
    points: float
    odds: float


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a level is wanted soon whatever the score says; `seen` is what in the record says so."""

    id: str
    seen: str
    source: str
    tag: str


@dataclass(frozen=True, slots=True)
class DeficiencyRisk:
    """The answer. Uncalibrated: an order of who to measure, not a probability to act on.

    `points_low` to `points_high` is the score with what is not known absent and present; `share` is what share of the
    score's own sample was at or below 20 ng/mL from that many points on (None below 7). `odds` multiplies what is known
    to be there; `at_most` is the share below 20 ng/mL that this would mean if people with none of the items were as
    often low as all of D-ONC (they were less often: so it is an upper end). `unknown` are the groups to ask about.
    """

    advice: Advice
    items: tuple[RiskItem, ...]
    reasons: tuple[Reason, ...]
    points_low: float
    points_high: float
    share: float | None
    odds: float
    at_most: float
    unknown: tuple[str, ...]
    level_on: date | None
    level_nmol_per_l: float | None
    supplemented: bool
    not_read: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain data, schema ``calcidiol-intake/1`` (`safety/intake.schema.json`)."""
        return {
            "schema": "calcidiol-intake/1",
            "calibrated": False,
            "advice": self.advice,
            "level": None
            if self.level_on is None
            else {"date": self.level_on.isoformat(), "nmol_per_l": self.level_nmol_per_l},
            "vdip": {"low": self.points_low, "high": self.points_high, "share_at_or_below_50_nmol_per_l": self.share},
            "odds": {"ratio": self.odds, "share_at_most": self.at_most},
            "items": [
                {"id": x.id, "group": x.group, "present": x.present, "points": x.points, "odds": x.odds or None}
                for x in self.items
            ],
            "reasons": [{"id": x.id, "seen": x.seen, "source": x.source, "tag": x.tag} for x in self.reasons],
            "unknown": list(self.unknown),
            "supplemented": self.supplemented,
            "not_read": list(self.not_read),
        }


@functools.cache
def _table() -> dict[str, Any]:
    text = resources.files("calcidiol.safety").joinpath("deficiency.toml").read_text(encoding="utf-8")
    return _checked(tomllib.loads(text))


def _checked(table: dict[str, Any]) -> dict[str, Any]:
    for name in ("score", "prevalence", "recent", "item", "reason"):
        if name not in table:
            raise KnowledgeError(f"{FILE}: [{name}] is missing.")
    for row in table["item"]:
        odd = [row.get(k, 1.0) for k in ("points", "odds")]
        if not {"id", "group"} <= set(row) or not ("points" in row or "odds" in row) or min(odd) < 1.0:
            raise KnowledgeError(f"{FILE}: an item needs id, group and points or odds of 1 or more, not {row!r}.")
    return table


@functools.cache
def _conditions() -> tuple[tuple[Condition, dict[str, Any]], ...]:
    return tuple((parse(row["when"], f"{FILE}: {row['id']}"), row) for row in _table()["reason"])


def deficiency_risk(
    patient: Patient, on: date, prevalence: float | None = None, knowledge: Knowledge | None = None
) -> DeficiencyRisk:
    """Whether a 25(OH)D should be measured, and how likely it is low, before any level is known.

    Parameters
    ----------
    patient
        The record; `intake` may say ``skin``, ``activity``, ``sun`` and ``treatment``.
    on
        Day on which it is asked (the season counts).
    prevalence
        Share of this clinic's patients below 20 ng/mL (50 nmol/L), between 0 and 1; that of D-ONC (0.72) when None.
    knowledge
        Rules, for windows of time; the shipped ones when None.

    Raises
    ------
    UsageError
        A prevalence that is no share.

    Examples
    --------
    >>> told = deficiency_risk(Patient("x", sex="female", intake={"skin": "dark"}), date(2026, 7, 1))
    >>> told.advice, told.points_low, told.odds
    ('ask', 3.0, 2.25)
    """
    table = _table()
    share = table["prevalence"]["share"] if prevalence is None else prevalence
    if not 0.0 < share < 1.0:
        raise UsageError(f"A prevalence of {prevalence!r} is no share. Give a number between 0 and 1, such as 0.72.")
    facts = Facts(patient, on, (knowledge or shipped()).numbers)
    answers, not_read = _answers(patient.intake)
    present = {
        **_body(facts),
        **_life(patient, answers),
        **_season(patient.latitude_deg, on),
        **_disease(facts, answers),
    }
    items = tuple(
        RiskItem(r["id"], r["group"], present[r["id"]], float(r.get("points", 0.0)), float(r.get("odds", 0.0)))
        for r in table["item"]
    )
    low, high = _points(items)
    odds = math.prod(x.odds or x.points for x in _counted(items))
    reasons = tuple(
        Reason(row["id"], str(condition.seen(facts).get("seen", "")), row["source"], row["tag"])
        for condition, row in _conditions()
        if condition.truth(facts) >= POSSIBLE
    )
    level = facts.of("25ohd")
    age = facts.age_of("25ohd")
    known = age is not None and age <= table["recent"]["days"]
    return DeficiencyRisk(
        advice=_advice(
            known, reasons, low, high, facts.has("cancer") or facts.has("hematologic_cancer"), table["score"]
        ),
        items=items,
        reasons=reasons,
        points_low=low,
        points_high=high,
        share=_share(low, table["score"]),
        odds=odds,
        at_most=1.0 / (1.0 + (1.0 - share) / (share * odds)),
        unknown=tuple(dict.fromkeys(x.group for x in items if x.present is None)),
        level_on=level[0].when if level else None,
        level_nmol_per_l=max(x.lo for x in level) if level else None,
        supplemented=any((on - x.day).days <= table["recent"]["days"] for x in facts.given),
        not_read=not_read,
    )


def _advice(
    known: bool, reasons: tuple[Reason, ...], low: float, high: float, cancer: bool, score: Mapping[str, Any]
) -> Advice:
    if known:
        return "known"
    if reasons or low >= score["very_high"]:
        return "measure_first"
    if low >= score["high"] or cancer:
        return "measure"
    return "ask" if high >= score["high"] else "not_now"


def _share(low: float, score: Mapping[str, Any]) -> float | None:
    if low >= score["very_high"]:
        return float(score["very_high_share"])
    return float(score["high_share"]) if low >= score["high"] else None


def _counted(items: tuple[RiskItem, ...]) -> list[RiskItem]:
    """Items that are there, one of each group."""
    found: dict[str, RiskItem] = {}
    for x in items:
        if x.present:
            found.setdefault(x.group, x)
    return list(found.values())


def _points(items: tuple[RiskItem, ...]) -> tuple[float, float]:
    """Points with what is not known absent, and with the worst that it could be."""
    there = {x.group: x.points for x in _counted(items)}
    worst = dict(there)
    for x in items:
        if x.present is None and x.group not in there:
            worst[x.group] = max(worst.get(x.group, 0.0), x.points)
    return float(sum(there.values())), float(sum(worst.values()))


def _answers(intake: Mapping[str, str]) -> tuple[dict[str, str], tuple[str, ...]]:
    """What `intake:` says, and what of it could not be read."""
    found: dict[str, str] = {}
    not_read = []
    for name, text in intake.items():
        said = " ".join(text.casefold().replace("_", " ").replace("-", " ").split())
        meanings = ANSWERS.get(name.strip().casefold(), {})
        meaning = next((m for m, words in meanings.items() if said in words), None)
        if meaning is None:
            not_read.append(f"{name}: {text}")
        else:
            found[name.strip().casefold()] = meaning
    return found, tuple(not_read)


def _body(facts: Facts) -> dict[str, bool | None]:
    sex = facts.patient.sex
    weight, height = facts.patient.weight_on(facts.on), facts.patient.height_on(facts.on)
    bmi = None if weight is None or not height else round(weight / (height / 100.0) ** 2, 6)
    obese: bool | None = None if bmi is None else bmi >= OBESE
    overweight: bool | None = None if bmi is None else OVERWEIGHT <= bmi < OBESE
    if facts.has("obesity"):
        obese, overweight = True, False
    return {"female": None if sex is None else sex == "female", "obese": obese, "overweight": overweight}


def _life(patient: Patient, answers: Mapping[str, str]) -> dict[str, bool | None]:
    sun = answers.get("sun", {"avoids": "low", "usual": "usual"}.get(patient.sun or "", ""))
    yes = {"yes": True, "no": False}
    return {
        "low_activity": yes.get(answers.get("activity", "")),
        "skin": yes.get(answers.get("skin", "")),
        "low_sun": sun == "low" if sun else None,
        "moderate_sun": sun == "moderate" if sun in ("low", "moderate", "high") else None,
        "latitude": None if patient.latitude_deg is None else abs(patient.latitude_deg) >= NORTHERN_DEG,
    }


def _season(latitude: float | None, on: date) -> dict[str, bool | None]:
    """The season of a day; unknown without the latitude, none between the tropics."""
    names = ("winter", "late_winter", "spring")
    if latitude is None:
        return dict.fromkeys(names)
    if abs(latitude) < TROPIC_DEG:
        return dict.fromkeys(names, False)
    month = on.month if latitude > 0.0 else (on.month + SOUTH_MONTHS - 1) % 12 + 1
    return {name: SEASONS.get(month) == name for name in names}


def _disease(facts: Facts, answers: Mapping[str, str]) -> dict[str, bool | None]:
    intent = answers.get("treatment", "")
    told: dict[str, bool | None] = {
        name: True if facts.has(name) or intent == name else (False if intent else None)
        for name in ("palliative", "adjuvant")
    }
    told["gi_surgery"] = any(facts.has(c) for c in ("gi_surgery", "gastrectomy", "bariatric_surgery", "short_bowel"))
    return told
