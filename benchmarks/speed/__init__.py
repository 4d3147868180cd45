"""How long a training step takes, beside a hand-written loop and what users would pick instead."""
