"""Everything between the command line and the first heavy import: help, words, strict checks, exit codes."""
