"""Speed of the evidence: `python -m benchmarks evidence`.

The ledger from its files, the largest pool in a warm process, and the audit of an article of ten references from the
shell, without network.
"""

from __future__ import annotations

import sys
import tempfile
from importlib import import_module
from pathlib import Path
from typing import Any

from benchmarks.cpu import of_call, of_command

REPEATS = 9
REFERENCES = 10


def article() -> str:
    """An article of ten references from the bibliography, each cited once."""
    from calcidiol.evidence.audit.bibliography import load

    chosen = [r for r in load() if r.volume and r.pages][:REFERENCES]
    text = [f"Vitamin D matters for reason {n} [{n}]." for n in range(1, REFERENCES + 1)]
    cited = []
    for n, r in enumerate(chosen, 1):
        names = ", ".join(str(a) for a in r.authors[:3]) + (", et al" if len(r.authors) > 3 else "")
        cited.append(f"{n}. {names}. {r.title}. {r.journal}. {r.year};{r.volume}:{r.pages}.")
    return "\n\n".join([*text, "References", *cited]) + "\n"


def poolable(group: str) -> Any:
    """The pool of a group; None where its rows are not to be pooled."""
    from calcidiol import evidence
    from calcidiol.errors import UsageError

    try:
        return evidence.pool(group)
    except UsageError:
        return None


def main() -> None:
    """Print the table."""
    from calcidiol import evidence

    kept = import_module("calcidiol.evidence.load")._load

    def load() -> None:
        kept.cache_clear()
        evidence.load()

    ledger = evidence.load()
    pools = [p for name in ledger.groups if (p := poolable(name)) is not None]
    largest = max(pools, key=lambda p: p.k)
    took_ms = of_call(load, REPEATS)
    print(f"{took_ms:8.1f} CPU ms  the ledger: {len(ledger.claims)} claims, {len(ledger.studies)} study rows (100)")
    took_ms = of_call(lambda: evidence.pool(largest.group), REPEATS)
    print(f"{took_ms:8.1f} CPU ms  the largest pool, {largest.group}, k {largest.k} (50)")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "article.txt"
        path.write_text(article(), encoding="utf-8")
        command = [str(Path(sys.executable).with_name("calcidiol")), "evidence", "audit", str(path)]
        took_s = of_command(command, REPEATS)
    print(f"{took_s:8.2f} CPU s   audit of {REFERENCES} references, from the shell (1)")


if __name__ == "__main__":
    main()
