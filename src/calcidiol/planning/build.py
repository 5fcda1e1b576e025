"""From a patient to a plan: the one place where the stages are put in order."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np

from calcidiol.errors import UsageError, WithheldError
from calcidiol.kinetics.events import Regimen
from calcidiol.patient.record import Finding, Patient
from calcidiol.planning import capsule as capsules
from calcidiol.planning.answer import Plan, Say, regimen_dict
from calcidiol.safety.verdict import Verdict

if TYPE_CHECKING:
    from calcidiol.regimen import Goal

WEEKS = 52
"""Horizon of the forecasts, weeks."""
