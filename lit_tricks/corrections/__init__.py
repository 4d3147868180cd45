"""What is fitted on the validation split once training has ended: class priors, temperature, decision threshold."""

from lit_tricks.corrections.correction import Correction
from lit_tricks.corrections.fitted import FittedCorrection

__all__ = ["Correction", "FittedCorrection"]
