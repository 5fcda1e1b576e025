"""Which claims of the ledger the sentences of a document may be making: proposals for a person to confirm."""

from __future__ import annotations

from calcidiol.evidence.audit.records import ClaimMatch

__all__ = ["propose"]


def propose(body: str) -> tuple[tuple[ClaimMatch, ...], tuple[str, ...]]:
    """Placeholder."""
    return (), ()
