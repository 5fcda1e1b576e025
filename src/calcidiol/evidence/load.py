"""Reading the ledger from its files; a bad row is refused with its file and line."""

from __future__ import annotations

import csv
import math
import tomllib
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar, cast

from calcidiol.errors import KnowledgeError
from calcidiol.evidence.record import (
    BIAS,
    CERTAINTIES,
    DESIGNS,
    DOMAINS,
    KINDS,
    MEASURES,
    QUESTIONS,
    VERDICTS,
    Claim,
    Concentration,
    Group,
    Kind,
    Ledger,
    Reach,
    Step,
    Study,
)

DATA = Path(__file__).with_name("data")
CI_KINDS = ("", "two-sided 95", "two-sided 95, computed", "two-sided 95, from p", "one-sided 95")
CLAIM_KINDS = ("clinical", "pharmacokinetic", "mechanistic", "epidemiological", "protocol", "safety")
_TAG = {"VERIFIED": "V", "MIXED": "R", "RECALLED": "R", "V": "V", "R": "R", "P": "P", "S": "S"}
_T = TypeVar("_T")


class _Row:
    """One row of a table with typed access; every refusal names file, line, column and value."""

    __slots__ = ("cells", "line", "name")

    def __init__(self, name: str, line: int, cells: Mapping[str, str]) -> None:
        self.name, self.line, self.cells = name, line, cells

    def refuse(self, column: str, needed: str) -> KnowledgeError:
        return KnowledgeError(
            f"{self.name}, line {self.line}: column {column!r} is {self.cells.get(column)!r}, but {needed} is needed. "
            "Correct the row."
        )

    def text(self, column: str, *, needed: bool = False) -> str:
        value = self.cells[column].strip()
        if needed and not value:
            raise self.refuse(column, "a text")
        return value

    def one_of(self, column: str, allowed: tuple[str, ...]) -> str:
        value = self.text(column)
        if value not in allowed:
            raise self.refuse(column, "one of " + ", ".join(repr(a) for a in allowed))
        return value

    def number(self, column: str) -> float | None:
        value = self.text(column)
        if not value:
            return None
        try:
            number = float(value)
        except ValueError:
            raise self.refuse(column, "a number or nothing") from None
        if not math.isfinite(number):
            raise self.refuse(column, "a finite number or nothing")
        return number

    def needed_number(self, column: str) -> float:
        number = self.number(column)
        if number is None:
            raise self.refuse(column, "a number")
        return number

    def count(self, column: str) -> int | None:
        number = self.number(column)
        if number is None:
            return None
        if number < 0 or number != int(number):
            raise self.refuse(column, "a whole number of people, 0 or more,")
        return int(number)

    def ids(self, column: str) -> tuple[str, ...]:
        return tuple(part.strip() for part in self.text(column).split(";") if part.strip())


def _rows(path: Path, columns: tuple[str, ...]) -> Iterator[_Row]:
    try:
        file = path.open(encoding="utf-8", newline="")
    except OSError as error:
        raise KnowledgeError(f"{path}: cannot be read ({error.strerror}). Give the folder of the ledger.") from None
    with file:
        reader = csv.reader(file)
        try:
            header = next(reader, None) or []
            missing = [c for c in columns if c not in header]
            if missing:
                raise KnowledgeError(
                    f"{path.name}, line 1: column {', '.join(missing)} is missing. Add it to the header."
                )
            for cells in reader:
                if not cells:
                    continue
                if len(cells) != len(header):
                    raise KnowledgeError(
                        f"{path.name}, line {reader.line_num}: {len(cells)} cells, but the header has {len(header)}. "
                        "Put a text with a comma into quotation marks."
                    )
                yield _Row(path.name, reader.line_num, dict(zip(header, cells, strict=True)))
        except (csv.Error, UnicodeDecodeError) as error:
            raise KnowledgeError(f"{path.name}, line {reader.line_num}: not a readable table ({error}).") from None


def _unique(rows: Iterator[_Row], key: str, make: Callable[[_Row], _T]) -> dict[str, _T]:
    found: dict[str, _T] = {}
    for row in rows:
        name = row.text(key, needed=True)
        if name in found:
            raise row.refuse(key, "an id that no earlier row has")
        found[name] = make(row)
    return found


def _study(row: _Row) -> Study:
    measure = row.text("measure")
    if measure:
        row.one_of("measure", MEASURES)
    confidence = row.one_of("confidence", tuple(_TAG))
    estimate, low, high = row.number("estimate"), row.number("ci_low"), row.number("ci_high")
    ci_kind = row.one_of("ci_kind", CI_KINDS)
    if measure in ("HR", "RR", "OR"):
        for column, value in (("estimate", estimate), ("ci_low", low), ("ci_high", high)):
            if value is not None and value <= 0:
                raise row.refuse(column, "a ratio above 0")
    if measure == "prop":
        for column, value in (("estimate", estimate), ("ci_low", low), ("ci_high", high)):
            if value is not None and not 0 <= value <= 1:
                raise row.refuse(column, "a share between 0 and 1")
    if (low is not None or high is not None) and estimate is None:
        raise row.refuse("estimate", "a number, since an interval is given,")
    if low is not None and estimate is not None and not low <= estimate:
        raise row.refuse("ci_low", f"a value not above the estimate {estimate:g}")
    if high is not None and estimate is not None and not high >= estimate:
        raise row.refuse("ci_high", f"a value not below the estimate {estimate:g}")
    if low is not None and low == high:
        raise row.refuse("ci_high", "a value above ci_low")
    if bool(ci_kind) != (low is not None or high is not None):
        raise row.refuse("ci_kind", "the kind of the interval, exactly where an interval is given,")
    if ci_kind.startswith("two-sided") and (low is None or high is None):
        raise row.refuse("ci_low" if low is None else "ci_high", "both ends of a two-sided interval")
    counts = {
        c: row.count(c) for c in ("n_treat", "n_control", "events_treat", "events_control", "events", "denominator")
    }
    for part, whole in (("events_treat", "n_treat"), ("events_control", "n_control"), ("events", "denominator")):
        a, b = counts[part], counts[whole]
        if a is not None and b is not None and a > b and measure != "prop":
            raise row.refuse(part, f"not more events than the {b} people of {whole}")
        if part == "events" and a is not None and (b is None or a > b):
            raise row.refuse(part, "not more events than the denominator")
    return Study(
        study_id=row.text("study_id", needed=True),
        citation=row.text("citation", needed=True),
        doi=row.text("doi"),
        pmid=row.text("pmid"),
        design=row.one_of("design", DESIGNS),
        kind=cast(Kind, row.one_of("kind", KINDS)),
        family=row.text("family", needed=True),
        people=row.text("people"),
        control=row.text("control"),
        population=row.text("population"),
        cancer_type=row.text("cancer_type"),
        intervention=row.text("intervention"),
        comparator=row.text("comparator"),
        outcome=row.text("outcome", needed=True),
        outcome_key=row.text("outcome_key", needed=True),
        measure=measure,
        unit=row.text("unit"),
        estimate=estimate,
        ci_low=low,
        ci_high=high,
        ci_kind=ci_kind,
        p=row.text("p"),
        week=row.number("week"),
        schedule=row.one_of("schedule", ("", "daily", "intermittent")),
        dose_iu_day=row.number("dose_iu_day"),
        followup=row.text("followup"),
        risk_of_bias=row.one_of("risk_of_bias", BIAS),
        risk_of_bias_note=row.text("risk_of_bias_note"),
        tag=_TAG[confidence],
        partly=confidence == "MIXED",
        meta_group=row.text("meta_group"),
        notes=row.text("notes"),
        checked=row.text("checked"),
        **counts,
    )


_STUDY_COLUMNS = (
    *("study_id", "citation", "doi", "pmid", "design", "kind", "family", "people", "control", "population"),
    *("cancer_type", "n_treat", "n_control", "intervention", "comparator", "outcome", "outcome_key", "measure", "unit"),
    *("estimate", "ci_low", "ci_high", "ci_kind", "p", "events_treat", "events_control", "events", "denominator"),
    *("week", "followup", "risk_of_bias", "risk_of_bias_note", "confidence", "meta_group", "notes", "checked"),
    *("schedule", "dose_iu_day"),
)
_CLAIM_COLUMNS = (
    *("claim_id", "document", "claim", "kind", "question", "population", "cited_reference"),
    *("what_the_best_evidence_says", "supporting_study_ids", "contradicting_study_ids", "trials_beside", "group"),
    *("suggested_certainty", "verdict", "first_verdict", "second_reading"),
)


def read_studies(path: Path) -> dict[str, Study]:
    """Read a table of studies.

    Raises
    ------
    KnowledgeError
        For a row that is incomplete or contradicts itself; the message names file, line, column and value.
    """
    return _unique(_rows(path, _STUDY_COLUMNS), "study_id", _study)


def read_judged(path: Path) -> dict[str, tuple[str, tuple[Step, ...]]]:
    """Read the steps of certainties that a person judged: claim id -> (start level or nothing, steps)."""
    found: dict[str, tuple[str, tuple[Step, ...]]] = {}
    for row in _rows(path, ("claim_id", "domain", "move", "reason")):
        claim, domain, reason = row.text("claim_id", needed=True), row.text("domain"), row.text("reason", needed=True)
        start, steps = found.get(claim, ("", ()))
        if domain == "start":
            start = row.one_of("move", CERTAINTIES)
            steps = (*steps, Step("start", 0, reason, computed=False))
        else:
            row.one_of("domain", DOMAINS)
            move = row.needed_number("move")
            if move not in (-2, -1, 0, 1, 2):
                raise row.refuse("move", "a whole step between -2 and 2")
            steps = (*steps, Step(domain, int(move), reason, computed=False))
        found[claim] = (start, steps)
    return found


def read_claims(
    path: Path,
    studies: Mapping[str, Study],
    groups: Mapping[str, Group],
    judged: Mapping[str, tuple[str, tuple[Step, ...]]],
) -> dict[str, Claim]:
    """Read a table of claims; every study and group that a claim names must be known."""

    def claim(row: _Row) -> Claim:
        links = {}
        if row.text("group") and row.text("group") not in groups:
            raise row.refuse("group", "a group of groups.toml or nothing")
        start, steps = judged.get(row.text("claim_id"), ("", ()))
        for column in ("supporting_study_ids", "contradicting_study_ids", "trials_beside"):
            links[column] = row.ids(column)
            for study in links[column]:
                if study not in studies:
                    raise row.refuse(column, f"ids of known studies only ({study!r} is none)")
        both = set(links["supporting_study_ids"]) & set(links["contradicting_study_ids"])
        if both:
            raise row.refuse("contradicting_study_ids", f"no study that also supports ({', '.join(sorted(both))})")
        return Claim(
            claim_id=row.text("claim_id", needed=True),
            document=row.text("document", needed=True),
            claim=row.text("claim", needed=True),
            kind=row.one_of("kind", CLAIM_KINDS),
            question=row.one_of("question", QUESTIONS),
            population=row.text("population", needed=True),
            cited_reference=row.text("cited_reference"),
            summary=row.text("what_the_best_evidence_says", needed=True),
            supporting=links["supporting_study_ids"],
            contradicting=links["contradicting_study_ids"],
            trials_beside=links["trials_beside"],
            group=row.text("group"),
            judged=steps,
            start=start,
            suggested_certainty=row.one_of("suggested_certainty", CERTAINTIES),
            verdict=row.one_of("verdict", VERDICTS),
            first_verdict=row.one_of("first_verdict", VERDICTS),
            second_reading=row.text("second_reading", needed=True),
        )

    return _unique(_rows(path, _CLAIM_COLUMNS), "claim_id", claim)


def read_groups(path: Path) -> dict[str, Group]:
    """Read the groups that may be pooled."""
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise KnowledgeError(f"{path.name}: cannot be read as TOML ({error}).") from None
    groups: dict[str, Group] = {}
    for name, table in tables.items():
        where = f"{path.name}, [{name}]"
        if not isinstance(table, dict):
            raise KnowledgeError(f"{where}: a table is needed.")
        unknown = set(table) - set(Group.__slots__)
        if unknown:
            raise KnowledgeError(f"{where}: unknown key {', '.join(sorted(unknown))}.")
        for needed in ("title", "scale", "benefit"):
            if not table.get(needed):
                raise KnowledgeError(f"{where}: {needed} is missing.")
        if table["scale"] not in ("ratio", "difference", "proportion", "none"):
            raise KnowledgeError(
                f"{where}: scale is {table['scale']!r}; ratio, difference, proportion or none is needed."
            )
        values: dict[str, Any] = dict(table)
        for listed in ("outcomes", "instead", "weeks"):
            if listed in values:
                values[listed] = tuple(values[listed])
        groups[name] = Group(id=name, **values)
    for group in groups.values():
        for other in (*group.instead, *((group.source,) if group.source else ())):
            if other not in groups:
                raise KnowledgeError(f"{path.name}, [{group.id}]: names the group {other!r}, which is not there.")
    return groups


def read_concentrations(
    path: Path, studies: Mapping[str, Study], reach: Mapping[str, Reach]
) -> dict[str, Concentration]:
    """Read which concentrations the cell experiments used."""

    def concentration(row: _Row) -> Concentration:
        study, reference = row.text("study_id"), row.text("reference_id")
        if study not in studies:
            raise row.refuse("study_id", "the id of a known study")
        if reference not in reach:
            raise row.refuse("reference_id", "an id of reach.csv")
        low, high = row.needed_number("low_nmol_l"), row.needed_number("high_nmol_l")
        if not 0 < low <= high:
            raise row.refuse("low_nmol_l", "a concentration above 0 and not above high_nmol_l")
        return Concentration(
            study_id=study,
            compound=row.text("compound", needed=True),
            low_nmol_l=low,
            high_nmol_l=high,
            effect=row.text("effect", needed=True),
            reference_id=reference,
            source=row.text("source", needed=True),
            tag=_TAG[row.one_of("tag", tuple(_TAG))],
        )

    columns = ("study_id", "compound", "low_nmol_l", "high_nmol_l", "effect", "reference_id", "source", "tag")
    return _unique(_rows(path, columns), "study_id", concentration)


def read_reach(path: Path) -> dict[str, Reach]:
    """Read which concentrations patients reach."""

    def reach(row: _Row) -> Reach:
        low, high = row.needed_number("low_nmol_l"), row.needed_number("high_nmol_l")
        if not 0 < low <= high:
            raise row.refuse("low_nmol_l", "a concentration above 0 and not above high_nmol_l")
        return Reach(
            id=row.text("id", needed=True),
            compound=row.text("compound", needed=True),
            setting=row.text("setting", needed=True),
            low_nmol_l=low,
            high_nmol_l=high,
            source=row.text("source", needed=True),
            tag=_TAG[row.one_of("tag", tuple(_TAG))],
        )

    return _unique(
        _rows(path, ("id", "compound", "setting", "low_nmol_l", "high_nmol_l", "source", "tag")), "id", reach
    )


def load(folder: Path | None = None) -> Ledger:
    """Load the whole ledger from a folder (ours when left out).

    Examples
    --------
    >>> load().claims["C02"].verdict
    'contradicted'
    """
    return _load(DATA if folder is None else folder)


def _claims(folder: Path, studies: Mapping[str, Study], groups: Mapping[str, Group]) -> dict[str, Claim]:
    judged = read_judged(folder / "judged.csv")
    claims = read_claims(folder / "claims.csv", studies, groups, judged)
    for name in judged:
        if name not in claims:
            raise KnowledgeError(f"judged.csv: names the claim {name!r}, which claims.csv does not have.")
    return claims


@lru_cache(maxsize=4)
def _load(folder: Path) -> Ledger:
    studies = read_studies(folder / "studies.csv")
    groups = read_groups(folder / "groups.toml")
    for study in studies.values():
        if study.meta_group and study.meta_group not in groups:
            raise KnowledgeError(
                f"studies.csv: {study.study_id} names the group {study.meta_group!r}, which groups.toml does not have."
            )
    reach = read_reach(folder / "reach.csv")
    return Ledger(
        studies=studies,
        claims=_claims(folder, studies, groups),
        groups=groups,
        concentrations=read_concentrations(folder / "concentrations.csv", studies, reach),
        reach=reach,
    )
