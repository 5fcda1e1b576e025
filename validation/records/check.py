"""Read the records of other systems and write what became of them. See README.md."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
import traceback
import urllib.request
from collections import Counter
from datetime import date
from pathlib import Path
from typing import Any

from calcidiol.errors import CalcidiolError
from calcidiol.patient import plausible, read
from calcidiol.patient.record import Patient

ON = date(2026, 11, 21)
OUTCOME = Path(__file__).with_name("outcome.json")


def outcome(paths: list[Path]) -> tuple[dict[str, int], list[str]]:
    """How many became a patient or a sentence, and the faults."""
    counts: Counter[str] = Counter()
    faults = []
    for path in paths:
        try:
            plausible(read(path), ON)
            counts["patients"] += 1
        except CalcidiolError as error:
            counts["refused"] += 1
            if not str(error).strip().endswith("."):
                faults.append(f"{path.name}: no sentence: {error}")
        except Exception:
            faults.append(f"{path.name}: {traceback.format_exc().splitlines()[-1]}")
    return dict(counts), faults


def values(patient: Patient) -> list[tuple[object, ...]]:
    """What must survive a journey through a server."""
    return sorted(
        [("lab", x.analyte, round(x.value, 9), x.comparator, x.low, x.high, x.assay) for x in patient.labs]
        + [("body", x.analyte, round(x.value, 9)) for x in (*patient.weight_kg, *patient.height_cm)]
        + [("dose", d.substance, d.iu, d.start.isoformat(), d.every_days, d.count, d.route) for d in patient.doses]
        + [("condition", c.text, c.concepts, c.active) for c in patient.conditions]
        + [("drug", d.text, d.classes) for d in patient.drugs],
        key=str,
    )


class Server:
    """A FHIR server on the loopback address, for as long as the block lasts."""

    def __init__(self, program: Path, folder: Path) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        folder.mkdir(parents=True, exist_ok=True)
        self.log = (folder / "server.log").open("w")
        self.process = subprocess.Popen(
            [str(program), "serve", "--host", "127.0.0.1", "--port", str(self.port)],
            cwd=folder,
            stdout=self.log,
            stderr=subprocess.STDOUT,
        )

    def __enter__(self) -> Server:
        for _ in range(60):
            try:
                self.call("GET", "/metadata")
                return self
            except OSError:
                time.sleep(0.5)
        self.__exit__()
        raise SystemExit("the FHIR server did not come up")

    def __exit__(self, *_: object) -> None:
        self.process.terminate()
        self.process.wait(20)
        self.log.close()

    def call(self, method: str, path: str, body: Any = None) -> Any:
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}/fhir{path}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Content-Type": "application/fhir+json"},
        )
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)


def as_transaction(bundle: dict[str, Any]) -> dict[str, Any]:
    """A Bundle as a transaction; references to resources by id become references to full URLs."""
    if bundle["type"] == "transaction":
        return bundle
    names = {f"{e['resource']['resourceType']}/{e['resource']['id']}": e["fullUrl"] for e in bundle["entry"]}
    text = json.dumps(bundle)
    for name, url in names.items():
        text = text.replace(f'"reference": "{name}"', f'"reference": "{url}"')
    made = json.loads(text)
    for entry in made["entry"]:
        entry["request"] = {"method": "POST", "url": entry["resource"]["resourceType"]}
    return {**made, "type": "transaction"}


KINDS = ("Observation", "Condition", "MedicationRequest", "MedicationAdministration", "Procedure")


def through_a_server(paths: list[Path], program: Path, folder: Path) -> tuple[dict[str, int], list[str]]:
    """Post, ask back in two ways, compare."""
    counts: Counter[str] = Counter()
    faults: list[str] = []
    with Server(program, folder) as server:
        for path in paths:
            before = read(path)
            answer = server.call("POST", "", as_transaction(json.loads(path.read_text(encoding="utf-8"))))
            made = next(e["response"]["location"] for e in answer["entry"] if "/Patient/" in e["response"]["location"])
            id_ = made.split("/Patient/")[1].split("/")[0]
            search = f"/Patient?_id={id_}&_count=500" + "".join(f"&_revinclude={k}:subject" for k in KINDS)
            for how, where in (("everything", f"/Patient/{id_}/$everything"), ("search", search)):
                after = read(server.call("GET", where), name=f"{path.stem} from the server, {how}")
                counts[how] += 1
                if values(after) != values(before):
                    lost = set(map(str, values(before))) ^ set(map(str, values(after)))
                    faults.append(f"{path.name}, {how}: {sorted(lost)[:4]}")
    return dict(counts), faults


def main(scratch: Path, here: Path) -> int:
    """Check all three sources; 1 when anything is wrong."""
    official = sorted(p for p in (scratch / "package").glob("*.json") if p.name != "package.json")
    generated = sorted((scratch / "bundles").glob("*.json"))
    own = sorted((here / "examples").glob("*.json"))
    told: dict[str, Any] = {}
    faults: list[str] = []
    for name, (counts, wrong) in {
        "official examples (hl7.fhir.r4.examples 4.0.1)": outcome(official),
        "carebundle 0.5.0, 60 patients, seed 42": outcome(generated),
        "through sekmet-fhir 0.1.1": through_a_server(
            [*own, *generated[:6]], scratch / "peers" / "bin" / "sekmet", scratch / "server"
        ),
    }.items():
        told[name] = counts | {"faults": len(wrong)}
        faults += wrong
    OUTCOME.write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(told, indent=1))
    for fault in faults:
        print("FAULT", fault)
    return 1 if faults else 0


if __name__ == "__main__":
    raise SystemExit(main(Path(sys.argv[1]), Path(sys.argv[2])))
