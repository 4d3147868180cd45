"""What the knobs of searches and studies accept."""

from lit_tricks.commandline.knobs import Knob, number, one_of, optional, text, whole
from lit_tricks.commandline.model_ranges import ACTIVATIONS

EPOCH_METRICS = ("val/loss", "val/acc", "val/balanced_acc")
METRICS = (*EPOCH_METRICS, "val/precision_macro", "val/recall_macro", "val/f1_macro", "val/auroc")

SWEEPER: dict[str, Knob] = {
    "sampler": one_of("grid", "random", "bayesian", note="random"),
    "pruner": one_of("none", "halving", note="halving"),
    "n_trials": optional(whole(1, note=20)),
    "metric": one_of(*METRICS, note="val/loss"),
    "n_jobs": whole(1, note=1),
    "sampler_seed": whole(0, 2**32 - 1, note=0),
    "startup_trials": whole(0, note=10),
    "min_epochs": whole(1, note=1),
    "reduction_factor": whole(2, note=3),
    "storage": optional(text(note="search.db")),
    "params": optional(Knob("mapping", note={})),
}

STUDY: dict[str, Knob] = {
    "only": optional(text(listed="yes", least=1, note=["NAME"])),
    "start": number(listed="yes", least=2, most=2, note=[0.8, 1.6]),
    "steps": whole(1, note=100),
    "rates": number(0, listed="yes", least=1, note=[0.01, 0.02]),
    "descents.*.function": text(note="cos(x)"),
    "descents.*.start": number(listed="either", least=1, note=0.5),
    "descents.*.interval": number(listed="yes", least=2, most=2, note=[-3, 6]),
    "curves.*.weights": number(listed="yes", least=2, most=2, note=[2, 4]),
    "curves.*.biases": number(listed="yes", least=2, most=2, note=[3, 5]),
    "examples": whole(1, note=1000),
    "batch_size": whole(1, note=100),
    "epochs": whole(1, note=100),
    "classes": whole(2, note=2),
    "reach": number(0, 100, "(", note=6.0),
    "activations": one_of(*ACTIVATIONS, "softmax", listed="yes", least=1, note=["relu", "tanh"]),
    "softmax_drives": whole(2, note=3),
    "input_shape": whole(1, listed="yes", least=1, note=[784]),
    "num_classes": whole(1, note=10),
}
