"""What a diagnosis is."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Diagnosis:
    """One finding: what is seen, how bad it is, where, on what evidence, why, and the override that mends it."""

    symptom: str
    severity: Literal["note", "warning", "critical"]
    layer: str | None
    evidence: str
    cause: str
    prescription: str
