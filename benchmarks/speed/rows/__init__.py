"""The rows of the suite, one kind of work a module."""
