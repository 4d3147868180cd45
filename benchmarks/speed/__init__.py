"""How long lit_tricks takes, beside what a user would write by hand or pick instead."""
