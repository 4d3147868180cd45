"""The groups of words that a run is made of, in the order of the data's way."""

# what tells runs apart; the trainer says where they are computed
DISTINGUISHING = (
    "data", "imbalance", "model", "init", "transfer", "loss", "penalty", "optimizer", "scheduler", "sampler",
    "augmentation", "correction",
)  # fmt: skip
# what a model that is fitted at once reads; every other group says how a network is trained
CLASSICAL = ("data", "imbalance", "model", "logger")
