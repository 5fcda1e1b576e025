"""Speed of reading a record: `python -m benchmarks.reading`.

CPU time in a warm process, one thread: a Bundle of 1 MB (most of its results of analytes that the plan uses, each with
reference limits), findings about it, and the example records.
"""

from __future__ import annotations

import json
import platform
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from benchmarks.cpu import of_call

ON = date(2026, 11, 21)
REPEATS = 15
RESULTS = (
    ("62292-8", "25-hydroxyvitamin D3+25-hydroxyvitamin D2 [Mass/volume] in Serum or Plasma", "ng/mL", 24.0),
    ("17861-6", "Calcium [Mass/volume] in Serum or Plasma", "mg/dL", 9.4),
    ("2160-0", "Creatinine [Mass/volume] in Serum or Plasma", "mg/dL", 0.9),
    ("1751-7", "Albumin [Mass/volume] in Serum or Plasma", "g/dL", 4.1),
    ("718-7", "Hemoglobin [Mass/volume] in Blood", "g/dL", 13.0),
    ("2345-7", "Glucose [Mass/volume] in Serum or Plasma", "mg/dL", 95.0),
    ("29463-7", "Body weight", "kg", 70.0),
)


def large_bundle(size: int = 1_000_000) -> bytes:
    """A Bundle of about `size` bytes: one patient, results every seven hours."""
    entries: list[dict[str, Any]] = [
        {
            "fullUrl": "urn:uuid:p",
            "resource": {"resourceType": "Patient", "id": "p", "gender": "female", "birthDate": "1961-04-02"},
        }
    ]
    start, written, number = datetime(2022, 1, 1, 8), 0, 0
    while written < size:
        loinc, name, unit, value = RESULTS[number % len(RESULTS)]
        quantity = {"unit": unit, "system": "http://unitsofmeasure.org", "code": unit}
        entries.append(
            {
                "fullUrl": f"urn:uuid:{number}",
                "resource": {
                    "resourceType": "Observation",
                    "id": f"o{number}",
                    "status": "final",
                    "category": [
                        {
                            "coding": [
                                {
                                    "system": "http://terminology.hl7.org/CodeSystem/observation-category",
                                    "code": "laboratory",
                                }
                            ]
                        }
                    ],
                    "code": {"coding": [{"system": "http://loinc.org", "code": loinc, "display": name}]},
                    "subject": {"reference": "Patient/p"},
                    "effectiveDateTime": (start + timedelta(hours=7 * number)).isoformat() + "+08:00",
                    "valueQuantity": {"value": round(value * (1 + number % 7 / 100), 2)} | quantity,
                    "referenceRange": [{"low": {"value": 1} | quantity, "high": {"value": 200} | quantity}],
                },
            }
        )
        written += len(json.dumps(entries[-1]))
        number += 1
    return json.dumps({"resourceType": "Bundle", "type": "collection", "entry": entries}).encode()


def main() -> None:
    """Print the table."""
    from calcidiol.patient import plausible, read

    data = large_bundle()
    patient = read(data)
    examples = sorted((Path(__file__).parent.parent / "examples").iterdir())
    print(
        f"{platform.processor() or platform.machine()}, Python {platform.python_version()}, CPU ms, median of {REPEATS}"
    )
    print(
        f"{of_call(lambda: read(data), REPEATS):8.1f}  read a Bundle of {len(data) / 1e6:.2f} MB, {len(patient.labs)} "
        f"results and {len(patient.weight_kg)} weights used"
    )
    print(f"{of_call(lambda: plausible(patient, ON), REPEATS):8.1f}  findings about it")
    each_ms = of_call(lambda: [read(p) for p in examples], REPEATS) / len(examples)
    print(f"{each_ms:8.2f}  read one example (mean of {len(examples)})")


if __name__ == "__main__":
    main()
