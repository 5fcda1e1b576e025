"""Talking to hospitals: a plan as FHIR R4."""

from __future__ import annotations

from calcidiol.exchange.fhir import bundle

__all__ = ["bundle"]
