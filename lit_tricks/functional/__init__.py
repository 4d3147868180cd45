"""Pure tensor mathematics: losses, schedules, statistics, random streams."""
