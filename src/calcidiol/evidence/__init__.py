"""Why we believe it: studies, claims, references, pooling, certainty. See docs/evidence.md."""

from __future__ import annotations

from calcidiol.evidence.load import load
from calcidiol.evidence.pool import Pool, pool

__all__ = ["Pool", "load", "pool"]
