"""What is wrong with a network, on what evidence, and which word mends it."""

from lit_tricks.doctor.diagnosis import Diagnosis
from lit_tricks.doctor.intervention import Intervention, exchange_windows
from lit_tricks.doctor.judgement import diagnose

__all__ = ["Diagnosis", "Intervention", "diagnose", "exchange_windows"]
