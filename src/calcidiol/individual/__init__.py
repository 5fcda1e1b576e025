"""This patient's parameters: prior, likelihood, mode, draws, trust, forecast."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from calcidiol.individual.bands import Forecast, forecast, percentiles
    from calcidiol.individual.draws import Ensemble, Individual
    from calcidiol.individual.fitting import fit, population, retrospective
    from calcidiol.individual.lower import Comparison, lower_than_forecast
    from calcidiol.individual.reliance import Trust, trust

_HOME = {
    "Ensemble": "draws",
    "Individual": "draws",
    "fit": "fitting",
    "population": "fitting",
    "retrospective": "fitting",
    "Forecast": "bands",
    "forecast": "bands",
    "percentiles": "bands",
    "Comparison": "lower",
    "lower_than_forecast": "lower",
    "Trust": "reliance",
    "trust": "reliance",
}
__all__ = [
    "Comparison",
    "Ensemble",
    "Forecast",
    "Individual",
    "Trust",
    "fit",
    "forecast",
    "lower_than_forecast",
    "percentiles",
    "population",
    "retrospective",
    "trust",
]


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(import_module(f"calcidiol.individual.{_HOME[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
