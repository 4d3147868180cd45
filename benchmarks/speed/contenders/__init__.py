"""The ways of training that are compared."""
