"""What is wrong with a network, on what evidence, and which word mends it."""

from lit_tricks.doctor.judgement import Diagnosis, diagnose

__all__ = ["Diagnosis", "diagnose"]
