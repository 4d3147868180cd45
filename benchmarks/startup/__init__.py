"""How soon a command answers and a run takes its first step."""
