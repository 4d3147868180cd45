"""The exceptions that mean: the user can mend this."""


class UserError(ValueError):
    """A mistake the user can mend, told in one short message without a traceback.

    The message states the invariant, the value received and the remedy, in that order, for example
    ``optimizer.lr must be greater than 0; received -0.1: try optimizer.lr=0.001``.
    The command line prints it and exits with code 2; library callers may catch it as ``ValueError``.
    """


class Diverged(UserError):
    """The training loss left the finite numbers, which says something about the hyperparameters."""

    @classmethod
    def at(cls, loss: float, place: str) -> "Diverged":
        """Return the error for a ``loss`` that was seen in ``place``."""
        return cls(
            f"the training loss must stay finite; it became {loss} in {place}: "
            "try a smaller optimizer.lr, data.normalise=standard or trainer.gradient_clip_val=1"
        )
