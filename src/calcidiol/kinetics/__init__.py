"""What the body does with a dose: model cards, events, covariates, equations, one batched solver."""

from calcidiol.kinetics.card import Card, cards, default_card, load_card
from calcidiol.kinetics.events import DoseRun, Regimen, Schedule
from calcidiol.kinetics.individual_parameters import Covariates, individual_parameters
from calcidiol.kinetics.solving import Solution, State, solve

__all__ = [
    "Card",
    "Covariates",
    "DoseRun",
    "Regimen",
    "Schedule",
    "Solution",
    "State",
    "cards",
    "default_card",
    "individual_parameters",
    "load_card",
    "solve",
]
