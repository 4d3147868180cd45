"""The one exception that means: the user can mend this."""


class UserError(ValueError):
    """A mistake the user can mend, told in one short message without a traceback.

    The message states the invariant, the value received and the remedy, in that order, for example
    ``optimizer.lr must be greater than 0; received -0.1: try optimizer.lr=0.001``.
    The command line prints it and exits with code 2; library callers may catch it as ``ValueError``.
    """


class NotFinite(UserError):
    """The training loss became NaN or infinite."""
