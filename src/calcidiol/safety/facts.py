"""What a record says on a day, field by field, as the rules ask for it.

A field is an analyte of `terminology/labs.toml` or one of `DERIVED`. It answers with the values of its newest day: two
results of one day both count, and a comparison is true when one of them makes it true, so that the worse one decides.
Results after the day are not there; days are calendar days. A value that is not a number, has a wrong unit or is
impossible makes its field unknown: an older value does not step in for it.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, timedelta

from calcidiol.errors import UnitError
from calcidiol.patient.record import Lab, Patient
from calcidiol.quantity import convert
from calcidiol.safety import calcium as ca
from calcidiol.safety import exposure
from calcidiol.safety.liver import child_pugh
from calcidiol.safety.numbers import Numbers
from calcidiol.safety.renal import ckd_epi_2021, cockcroft_gault
from calcidiol.safety.seen import DIGITS, Seen
from calcidiol.terminology.labs import LabItem, labs

DERIVED: dict[str, str] = {
    "age": "a",
    "calcium_before": "mmol/L",
    "ca_x_po4": "mmol2/L2",
    "calcium_intake": "mg/d",
    "child_pugh": "1",
    "creatinine_clearance": "mL/min",
    "creatinine_ratio": "1",
    "creatinine_rise_48h": "umol/L",
    "egfr_fall": "%",
    "tls_criteria": "1",
    "unread_vitamin_d": "1",
    "vitamin_d_90d": "[iU]",
    "vitamin_d_365d": "[iU]",
}
"""Fields computed here, with their units; `calcium`, `egfr` and `urine_calcium_weight` are widened analytes."""

HARMLESS = frozenset(
    {
        "duplicate",
        "part_of_total",
        "order_carried_out",
        "dose_duplicate",
        "dose_not_vitamin_d",
        "dose_ends_before_start",
        "multivitamin_without_amount",
    }
)
"""Why a dose of the record is not used although nothing is missing from the sum (a multivitamin holds little: P)."""


PAST_D = 1100
"""Days back in which injections are looked for: the wait after 3,900,000 IU."""


def unit_of(name: str) -> str | None:
    """Unit of a field; None when there is no such field."""
    if name in DERIVED:
        return DERIVED[name]
    item = labs().get(name)
    return None if item is None else item.unit


@dataclass
class Facts:
    """The record of one person on one day, read once and kept."""

    patient: Patient
    on: date
    numbers: Numbers
    _rows: dict[str, list[Lab]] = field(default_factory=dict)
    _known: dict[str, tuple[Seen, ...]] = field(default_factory=dict)
    _concepts: frozenset[str] = frozenset()
    _classes: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        for lab in self.patient.labs:
            if lab.when.date() <= self.on:
                name = "calcium_corrected" if lab.corrected and lab.analyte == "calcium" else lab.analyte
                self._rows.setdefault(name, []).append(lab)
        for name, rows in (("weight", self.patient.weight_kg), ("height", self.patient.height_cm)):
            found = [x for x in rows if "undated" in x.flags or x.when.date() <= self.on]
            self._rows.setdefault(name, []).extend(found)
        self._concepts = frozenset(
            name for c in self.patient.conditions if self.holds(c.active, c.onset, None) for name in c.concepts
        ) | frozenset(
            name for p in self.patient.procedures if p.when is None or p.when <= self.on for name in p.concepts
        )
        self._classes = frozenset(
            name for d in self.patient.drugs if self.holds(d.active, d.start, d.end) for name in d.classes
        )

    @functools.cached_property
    def given(self) -> list[exposure.Intake]:
        """Doses of vitamin D of the last 365 days."""
        return exposure.past(self.patient, self.on, exposure.YEAR_D)

    @functools.cached_property
    def injected(self) -> list[exposure.Intake]:
        """Injections whose wait may still last."""
        return exposure.past(self.patient, self.on, PAST_D, depot_only=True)

    @functools.cached_property
    def unseen(self) -> list[exposure.Intake]:
        """Doses of the last 90 days that the newest 25(OH)D could not show yet."""
        newest = self.of("25ohd")
        return exposure.unseen_by_level(
            [x for x in self.given if (self.on - x.day).days < exposure.QUARTER_D],
            newest[0].when if newest else None,
            self.numbers.days("level_shows_oral"),
            self.numbers.days("level_shows_depot"),
        )

    def holds(self, active: bool, start: date | None, end: date | None) -> bool:
        """Whether something active counts on the day: begun (or of unknown begin) and not ended before it."""
        return active and (start is None or start <= self.on) and (end is None or end >= self.on)

    def has(self, concept: str) -> bool:
        """Whether a condition or procedure of this kind is there on the day."""
        return concept in self._concepts

    def takes(self, drug_class: str) -> bool:
        """Whether a drug of this class is taken on the day."""
        return drug_class in self._classes

    def started_within(self, drug_class: str, days: float) -> bool:
        """Whether a drug of this class was begun in the last `days` days, the day itself included."""
        return any(
            drug_class in d.classes and d.active and d.start is not None and 0 <= (self.on - d.start).days <= days
            for d in self.patient.drugs
        )

    def visit_within(self, kind: str, before: float, after: float) -> bool:
        """Whether a visit of this kind stands between `before` days before and `after` days after the day."""
        return any(v.kind == kind and -before <= (v.when - self.on).days <= after for v in self.patient.visits)

    def text_of(self, concept: str) -> str:
        """How the condition (or procedure) of this kind was written."""
        for c in self.patient.conditions:
            if concept in c.concepts and self.holds(c.active, c.onset, None):
                return c.text or (c.codes[0].code if c.codes else concept)
        return next((p.text or concept for p in self.patient.procedures if concept in p.concepts), concept)

    def drug_of(self, drug_class: str) -> str:
        """How the drugs of this class were written, joined."""
        names = [
            d.text or (d.codes[0].code if d.codes else drug_class)
            for d in self.patient.drugs
            if drug_class in d.classes and self.holds(d.active, d.start, d.end)
        ]
        return ", ".join(dict.fromkeys(names)) or drug_class

    def of(self, name: str) -> tuple[Seen, ...]:
        """Every value of the field that counts on the day; empty when it is not known."""
        known = self._known.get(name)
        if known is None:
            known = _READ[name](self) if name in _READ else self.newest(name)
            self._known[name] = known
        return known

    def age_of(self, name: str) -> int | None:
        """Days since the newest value of the field; None when it is not known or has no day."""
        days = [(self.on - x.when).days for x in self.of(name) if x.when is not None]
        return min(days, default=None)

    def newest(self, name: str) -> tuple[Seen, ...]:
        """Results of an analyte on its newest day."""
        rows = self._rows.get(name)
        if not rows:
            return ()
        day = max(x.when.date() for x in rows)
        item = labs()[name]
        seen = [self._seen(x, item) for x in rows if x.when.date() == day]
        return () if None in seen else tuple(dict.fromkeys(x for x in seen if x is not None))

    def history(self, name: str, days: int) -> list[Seen]:
        """Usable results of an analyte of the last `days` days, oldest first."""
        first = self.on - timedelta(days=days)
        item = labs()[name]
        rows = sorted((x for x in self._rows.get(name, ()) if x.when.date() >= first), key=lambda x: x.when)
        return [s for x in rows if (s := self._seen(x, item)) is not None]

    def rows(self, name: str) -> list[Lab]:
        """Results of an analyte as they stand in the record, up to the day."""
        return self._rows.get(name, [])

    def _seen(self, lab: Lab, item: LabItem) -> Seen | None:
        value = lab.value
        factor = 1.0
        if lab.unit != item.unit:
            try:
                factor = convert(1.0, lab.unit, item.unit, item.substance)
            except UnitError:
                return None
        if not math.isfinite(value):
            return None
        value = round(value * factor, DIGITS)
        least, most = item.possible
        if lab.comparator == "" and not least <= value <= most:
            return None
        if value < 0.0:
            return None
        return Seen.of(
            value,
            lab.comparator,
            lab.when.date(),
            self._limit(lab.low, item.low, item.id, factor),
            self._limit(lab.high, item.high, item.id, factor),
        )

    def _limit(self, own: float | None, default: float | None, name: str, factor: float) -> float | None:
        """The laboratory's own limit where it can be true, else the default."""
        if own is None or not math.isfinite(own) or own <= 0.0:
            return default
        own = round(own * factor, DIGITS)
        if default is None:
            return own
        trust = self.numbers.own_limit_factor(name)
        return own if default / trust <= own <= default * trust else default


def _age(facts: Facts) -> tuple[Seen, ...]:
    years = facts.patient.age_on(facts.on)
    if years is None or not math.isfinite(years) or years < 0.0:
        return ()
    spread = facts.patient.birth_spread_d / 365.25 if facts.patient.birth_date is not None else 0.0
    return (Seen(max(years - spread, 0.0), years + spread),)


def _calcium(facts: Facts) -> tuple[Seen, ...]:
    """Total and corrected calcium: the plain result, its correction, and what the laboratory corrected itself."""
    plain = facts.newest("calcium")
    own = tuple(
        Seen(x.lo, x.hi, x.when, x.low, x.high, x.lo_open, x.hi_open, "corrected by the laboratory")
        for x in facts.newest("calcium_corrected")
    )
    if not plain and facts.rows("calcium"):
        return ()
    found = list(plain)
    for x in plain:
        found.extend(ca.corrected(x, a) for a in _albumin_near(facts, x.when))
    found.extend(own)
    return _together(found, facts.numbers.days("calcium_family"))


def _albumin_near(facts: Facts, day: date | None) -> list[Seen]:
    """Albumin results nearest in time to a calcium, within the days that the numbers allow."""
    assert day is not None
    window = facts.numbers.days("albumin_near")
    rows = [x for x in facts.history("albumin", 10_000) if x.when is not None and abs((x.when - day).days) <= window]
    if not rows:
        return []
    least = min(abs((x.when - day).days) for x in rows if x.when is not None)
    return [x for x in rows if x.when is not None and abs((x.when - day).days) == least]


def _together(found: list[Seen], window: int) -> tuple[Seen, ...]:
    """Values of several analytes that mean the same, without those much older than the newest."""
    days = [x.when for x in found if x.when is not None]
    if not days:
        return ()
    newest = max(days)
    return tuple(dict.fromkeys(x for x in found if x.when is not None and (newest - x.when).days <= window))


def _egfr(facts: Facts) -> tuple[Seen, ...]:
    """EGFR of the laboratory and from creatinine (of both sexes when sex is not known)."""
    reported = facts.newest("egfr")
    creatinine = facts.newest("creatinine")
    if (facts.rows("egfr") and not reported) or (facts.rows("creatinine") and not creatinine):
        return ()
    found = list(reported)
    age = facts.patient.age_on(facts.on)
    if age is not None and age > 0.0:
        default = labs()["egfr"]
        sexes = {"female": (True,), "male": (False,)}.get(facts.patient.sex or "", (True, False))
        for x in creatinine:
            for female in sexes:
                hi = ckd_epi_2021(x.lo, age, female) if x.lo > 0.0 else math.inf
                lo = ckd_epi_2021(x.hi, age, female) if math.isfinite(x.hi) else 0.0
                found.append(
                    Seen(round(lo, 6), round(hi, 6), x.when, default.low, None, x.hi_open, x.lo_open, "ckd-epi")
                )
    return _together(found, facts.numbers.days("egfr_family"))


def _clearance(facts: Facts) -> tuple[Seen, ...]:
    age, weight = facts.patient.age_on(facts.on), facts.of("weight")
    if age is None or age <= 0.0 or not weight:
        return ()
    sexes = {"female": (True,), "male": (False,)}.get(facts.patient.sex or "", (True, False))
    return tuple(
        Seen.of(cockcroft_gault(x.hi, age, w.lo, female), "", x.when, how="cockcroft-gault")
        for x in facts.newest("creatinine")
        if math.isfinite(x.hi)
        for w in weight
        for female in sexes
    )


def _calcium_before(facts: Facts) -> tuple[Seen, ...]:
    """Every calcium of the last 90 days, corrected or not."""
    return tuple(facts.history("calcium", 90) + facts.history("calcium_corrected", 90))


def _product(facts: Facts) -> tuple[Seen, ...]:
    return tuple(
        Seen(round(c.lo * p.lo, 6), round(c.hi * p.hi, 6), min(c.when or facts.on, p.when or facts.on))
        for c in facts.of("calcium")
        for p in facts.of("phosphate")
    )


def _calcium_intake(facts: Facts) -> tuple[Seen, ...]:
    """Elemental calcium from medicines, mg a day; unknown when one of them has no amount."""
    amounts = [
        d.details.get("elemental_calcium_mg_per_day")
        for d in facts.patient.drugs
        if "calcium" in d.classes and facts.holds(d.active, d.start, d.end)
    ]
    if not amounts or any(a is None or not math.isfinite(a) for a in amounts):
        known = [a for a in amounts if a is not None and math.isfinite(a)]
        return (Seen.of(sum(known), ">="),) if known else ()
    return (Seen.of(sum(a for a in amounts if a is not None)),)


def _child_pugh(facts: Facts) -> tuple[Seen, ...]:
    """Child-Pugh score, only with liver disease in the record; parts that are not known leave an interval."""
    if not (facts.has("cirrhosis") or facts.has("liver_disease")):
        return ()
    bilirubin, albumin, inr = (facts.newest(n) for n in ("bilirubin", "albumin", "inr"))
    ascites = "moderate" if facts.has("ascites") else "none"
    brain = "1-2" if facts.has("encephalopathy") else "none"
    least, most = child_pugh(
        max((x.hi for x in bilirubin), default=None),
        min((x.lo for x in albumin), default=None),
        max((x.hi for x in inr), default=None),
        ascites,
        brain,
    )
    return (Seen(float(least), float(most), how="child-pugh"),)


def _creatinine_ratio(facts: Facts) -> tuple[Seen, ...]:
    """Newest creatinine over the lowest of the last 90 days."""
    before = facts.history("creatinine", 90)
    lowest = min((x.hi if math.isfinite(x.hi) else x.lo for x in before if x.hi > 0.0), default=0.0)
    if lowest <= 0.0:
        return ()
    return tuple(Seen(round(x.lo / lowest, 6), round(x.hi / lowest, 6), x.when) for x in facts.newest("creatinine"))


def _creatinine_rise(facts: Facts) -> tuple[Seen, ...]:
    """Rise of creatinine over the lowest of the two days before the newest result."""
    newest = facts.newest("creatinine")
    if not newest or newest[0].when is None:
        return ()
    day = newest[0].when
    before = [x for x in facts.history("creatinine", 10_000) if x.when is not None and 0 <= (day - x.when).days <= 2]
    lowest = min((x.lo for x in before), default=0.0)
    return tuple(Seen(max(x.lo - lowest, 0.0), max(x.hi - lowest, 0.0), x.when) for x in newest)


def _egfr_fall(facts: Facts) -> tuple[Seen, ...]:
    """Fall of eGFR below the best of the last 90 days, percent of that."""
    best = [x.lo for x in facts.history("egfr", 90)]
    age = facts.patient.age_on(facts.on)
    if age is not None and age > 0.0:
        for x in facts.history("creatinine", 90):
            if x.exact and x.lo > 0.0:
                best.append(ckd_epi_2021(x.lo, age, facts.patient.sex == "female"))
    now = facts.of("egfr")
    if not best or not now:
        return ()
    top = max(best)
    return tuple(
        Seen(round(100 * (1 - min(x.hi, top) / top), 6), round(100 * (1 - x.lo / top), 6), x.when) for x in now
    )


def _tls(facts: Facts) -> tuple[Seen, ...]:
    """How many of the four laboratory signs of tumor lysis stand in the record of the last days."""
    window = facts.numbers.days("tumor_lysis")
    signs = 0
    for name, limit, high in (
        ("urate", 476.0, True),
        ("potassium", 6.0, True),
        ("phosphate", 1.45, True),
        ("calcium", 1.75, False),
    ):
        rows = [x for x in facts.of(name) if x.when is not None and (facts.on - x.when).days <= window]
        if any((x.at_least(limit) if high else x.at_most(limit)) >= 2 for x in rows):
            signs += 1
    return (Seen.of(float(signs)),)


def _weight_urine(facts: Facts) -> tuple[Seen, ...]:
    """Calcium in urine, mg per kg and day: as reported, and from the 24 h amount and the weight."""
    found = list(facts.newest("urine_calcium_weight"))
    high = labs()["urine_calcium_weight"].high
    for x in facts.newest("urine_calcium_24h"):
        for w in facts.of("weight"):
            per = 40.078 / w.lo if w.lo > 0.0 else 0.0
            found.append(
                Seen(round(x.lo * per, 6), round(x.hi * per, 6), x.when, None, high, x.lo_open, x.hi_open, "computed")
            )
    return _together(found, facts.numbers.days("calcium_family"))


def _unread(facts: Facts) -> tuple[Seen, ...]:
    """Doses of vitamin D in the record that could not be read."""
    unread = [x for x in facts.patient.unused if x.kind == "dose" and x.reason not in HARMLESS]
    return (Seen.of(float(sum(x.count for x in unread))),)


def _vitamin_d_90d(facts: Facts) -> tuple[Seen, ...]:
    """IU of the last 90 days that no 25(OH)D shows yet."""
    return (Seen.of(exposure.total(facts.unseen, facts.on, exposure.QUARTER_D)),)


def _vitamin_d_365d(facts: Facts) -> tuple[Seen, ...]:
    return (Seen.of(exposure.total(facts.given, facts.on, exposure.YEAR_D)),)


_READ: dict[str, Callable[[Facts], tuple[Seen, ...]]] = {
    "age": _age,
    "calcium": _calcium,
    "calcium_before": _calcium_before,
    "calcium_intake": _calcium_intake,
    "ca_x_po4": _product,
    "child_pugh": _child_pugh,
    "creatinine_clearance": _clearance,
    "creatinine_ratio": _creatinine_ratio,
    "creatinine_rise_48h": _creatinine_rise,
    "egfr": _egfr,
    "egfr_fall": _egfr_fall,
    "tls_criteria": _tls,
    "unread_vitamin_d": _unread,
    "urine_calcium_weight": _weight_urine,
    "vitamin_d_90d": _vitamin_d_90d,
    "vitamin_d_365d": _vitamin_d_365d,
}
