"""Error rates of the reference audit on generated references, tuning and test half apart.

python -m validation.audit.evaluate [--each N] [--seed S] [--half tuning|test] [--show FAULT]
"""

from __future__ import annotations

import argparse
import json
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import numpy as np
from validation.audit.generated import FAULTS, Case, half_of, make, whole

from calcidiol.evidence.audit.bibliography import Bibliography, bibliography
from calcidiol.evidence.audit.entry import parse
from calcidiol.evidence.audit.matching import RULES, judge


def cases(half: str, each: int, seed: int) -> list[Case]:
    """`each` references for each fault from the articles of one half."""
    library = bibliography()
    pool = [r for r in library.records if whole(r)]
    mine = [r for r in pool if half_of(r) == half]
    rng = np.random.default_rng([seed, half == "test"])
    made: list[Case] = []
    for fault in FAULTS:
        wanted = each * (6 if fault == "none" else 1)
        tries = 0
        while wanted and tries < each * 40:
            tries += 1
            case = make(fault, mine[int(rng.integers(len(mine)))], mine, rng, library)
            if case:
                made.append(case)
                wanted -= 1
    return made


def measure(made: list[Case], rules: Any = RULES) -> dict[str, Any]:
    """Verdicts beside what they should be."""
    library = bibliography()
    by_fault: dict[str, Counter[str]] = defaultdict(Counter)
    wrong: list[tuple[Case, Any]] = []
    fields_right: Counter[str] = Counter()
    absent = _without({c.record for c in made if c.fault == "absent"}, library)
    for case in made:
        lib = absent if case.fault == "absent" else library
        found = judge(parse(case.text, lib.journals.at_end), lib, rules)
        by_fault[case.fault][found.status] += 1
        pair = {found.matched.id if found.matched else "", found.also_matched.id if found.also_matched else ""}
        right = found.status == case.status
        if right and case.status == "exact":
            right = found.matched is not None and found.matched.id == case.record
        if right and case.status == "differs":
            named = frozenset(found.fields_that_differ)
            right = found.matched is not None and found.matched.id == case.record
            fields_right[case.fault] += named == case.fields and right
        if right and case.status == "composite":
            right = pair == {case.record, case.also}
        if not right:
            wrong.append((case, found))
    false_exact = [(c, f) for c, f in wrong if f.status == "exact" and c.status != "exact"]
    faulty = sum(c.status != "exact" for c in made)

    def recall(status: str) -> float:
        of = [c for c in made if c.status == status]
        missed = sum(c.status == status for c, _ in wrong)
        return 1.0 - missed / len(of) if of else float("nan")

    return {
        "references": len(made),
        "faulty": faulty,
        "false_exact": len(false_exact),
        "recall": {s: round(recall(s), 4) for s in ("exact", "differs", "composite", "not_found")},
        "by_fault": {f: dict(c) for f, c in by_fault.items()},
        "fields_named_right": {f: [n, sum(c.fault == f for c in made)] for f, n in sorted(fields_right.items())},
        "wrong": wrong,
        "false": false_exact,
    }


def _without(ids: set[str], library: Bibliography) -> Bibliography:
    return Bibliography.of(r for r in library.records if r.id not in ids)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--each", type=int, default=60)
    parser.add_argument("--seed", type=int, default=20261124)
    parser.add_argument("--half", default="tuning", choices=("tuning", "test"))
    parser.add_argument("--show", default="", help="print the wrong verdicts of this fault, or 'false' for false exact")
    parser.add_argument("--json", default="")
    args = parser.parse_args()
    result = measure(cases(args.half, args.each, args.seed))
    wrong, false = result.pop("wrong"), result.pop("false")
    print(json.dumps(result, indent=1))
    for case, found in false if args.show == "false" else [w for w in wrong if w[0].fault == args.show]:
        c = found.cited
        print(
            f"\n{case.fault} {case.style} {case.record} {case.also} -> {found.status} {found.fields_that_differ} "
            f"{found.matched and found.matched.id} {found.also_matched and found.also_matched.id} {found.score:.2f} {found.notes}"  # noqa: E501
        )
        print("  ", case.text)
        print("  ", c.authors, c.et_al, "|", c.title, "|", c.journal, "|", c.year, c.volume, c.issue, c.pages)
    if args.json:
        Path(args.json).write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
