"""What can go wrong, on one page.

An error is raised: something was given that cannot be used. Its message says what was given, what was needed, where it
stood and what to do. A refusal is a value: an expected clinical answer, with the rule behind it.

    CalcidiolError
      RecordError      a patient record that cannot be read at all
      UnitError        a unit that is unknown, or does not fit the quantity
      UsageError       a request that makes no sense (a regimen text, a goal, a card id)
      KnowledgeError   a data file of ours or of the user (card, rule, product, study) that is incomplete
      SolverError      the equations could not be solved for any lane
      WithheldError    an answer exists but is not good enough to show
      MissingError        an optional part (an extra, a font, a network) is not here
"""

from __future__ import annotations

from dataclasses import dataclass, field

__all__ = [
    "CalcidiolError",
    "KnowledgeError",
    "MissingError",
    "RecordError",
    "Refusal",
    "SolverError",
    "UnitError",
    "UsageError",
    "WithheldError",
]


class CalcidiolError(Exception):
    """The root of all errors of this package; `str(error)` is a sentence for the user."""


class RecordError(CalcidiolError):
    """A patient record that cannot be read at all."""


class UnitError(CalcidiolError):
    """A unit that is unknown or does not fit the quantity."""


class UsageError(CalcidiolError):
    """A request that makes no sense; the command line ends with code 2."""


class KnowledgeError(CalcidiolError):
    """A card, rule, product or study file that is incomplete or contradicts itself; names file and place."""


class SolverError(CalcidiolError):
    """The equations could not be solved for any lane."""


class WithheldError(CalcidiolError):
    """An answer exists but is not good enough to show; the message says which check failed."""


class MissingError(CalcidiolError):
    """An optional part is not installed; the message says how to get it."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """A clinical no, as a value.

    Parameters
    ----------
    rule_id
        The rule that refused, for example ``"CI01"``.
    seen
        What was seen in the record, as parameters for the words (`{"value": 2.71, "unit": "mmol/L"}`).
    source, tag
        Where the rule comes from and how sure that is (V, R, P, S).
    lifted_by
        Id of the text that says what would lift it.
    permitted
        Ids of the texts that say what stays permissible meanwhile.
    """

    rule_id: str
    seen: dict[str, object] = field(default_factory=dict)
    source: str = ""
    tag: str = "P"
    lifted_by: str = ""
    permitted: tuple[str, ...] = ()
