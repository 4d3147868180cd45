"""What the knobs of models, initialisations, losses, penalties and corrections accept."""

from lit_tricks.commandline.knobs import Knob, either, flag, number, one_of, optional, whole

ACTIVATIONS = ("sigmoid", "tanh", "relu", "leaky_relu", "elu", "softplus", "gelu", "silu", "identity")
GAMMA = either(number(0, open_ends="("), one_of("scale", "auto"), note="scale")
KERNEL = one_of("rbf", "linear", "poly", "sigmoid", note="rbf")
CLASS_WEIGHT = optional(one_of("balanced", note="balanced"))

MODEL: dict[str, Knob] = {
    "hidden": whole(1, listed="yes", note=[128]),
    "channels": whole(1, listed="yes", note=[16, 32, 64]),
    "kernel_size": whole(1, note=3),
    "pool": whole(1, note=2),
    "activation": one_of(*ACTIVATIONS, note="relu"),
    "norm": one_of("none", "batch", "layer", note="batch"),
    "norm_momentum": number(0, 1, "(", note=0.1),
    "dropout": number(0, 1, ")", listed="either", note=0.3),
    "bias": flag(note=True),
    "single_output": flag(note=True),
    "C": number(0, open_ends="(", note=1.0),
    "gamma": GAMMA,
    "kernel": KERNEL,
    "degree": whole(1, note=3),
    "coef0": number(note=0.0),
    "class_weight": CLASS_WEIGHT,
    "max_iter": whole(1, note=1000),
    "strategy": one_of("most_frequent", "prior", note="prior"),
    "n_neighbors": whole(1, note=5),
    "weights": one_of("uniform", "distance", note="distance"),
    "p": number(1, note=2),
    "algorithm": one_of("brute", note="brute"),
    "n_estimators": whole(1, note=100),
    "max_depth": optional(whole(1, note=10)),
    "min_samples_leaf": whole(1, note=1),
    "max_features": optional(either(one_of("sqrt", "log2"), whole(1), number(0, 1, "("), note="sqrt")),
    "folds": whole(2, note=5),
    "scoring": one_of("accuracy", "balanced_accuracy", "f1_macro", note="accuracy"),
    "estimator.kernel": KERNEL,
    "estimator.degree": whole(1, note=3),
    "estimator.coef0": number(note=0.0),
    "estimator.class_weight": CLASS_WEIGHT,
}

SVM_GRID: dict[str, Knob] = {
    "C": number(0, open_ends="(", listed="yes", least=1, note=[1, 10, 100]),
    "gamma": number(0, open_ends="(", listed="yes", least=1, note=[0.01, 0.1]),
}

INIT: dict[str, Knob] = {
    "scheme": one_of(
        "default", "zeros", "normal", "uniform", "scaled_normal", "orthogonal",
        "glorot_normal", "glorot_uniform", "he_normal", "he_uniform", note="default",
    ),
    "gain": either(number(0, open_ends="("), one_of("auto"), note="auto"),
    "std": number(0, open_ends="(", note=0.05),
    "bound": number(0, open_ends="(", note=0.05),
    "bias": one_of("zero", "normal", "prior", "keep", note="zero"),
    "bias_std": optional(number(0, open_ends="(", note=1.0)),
}  # fmt: skip

LOSS: dict[str, Knob] = {
    "label_smoothing": number(0, 1, ")", note=0.1),
    "over_outputs": one_of("mean", "sum", note="mean"),
    "output": one_of("sigmoid", "softmax", "identity", note="sigmoid"),
    "reduction": one_of("mean", "half_sum", note="mean"),
    "class_weights": either(
        one_of("none", "one_minus_share", "inverse", "effective_number"),
        number(0, open_ends="(", listed="yes", least=2),
        note="inverse",
    ),
    "beta": number(0, 1, ")", note=0.999),
    "weight_normalisation": one_of("training_set", "batch", note="training_set"),
    "tau": number(0, note=1.0),
    "gamma": number(0, note=2.0),
    "max_margin": number(0, open_ends="(", note=0.5),
    "scale": number(0, open_ends="(", note=30),
}

PENALTY: dict[str, Knob] = {
    "l1": number(0, note=0.0001),
    "l2": number(0, note=0.001),
    "convention": one_of("sum", "half_sum", note="sum"),
}

CORRECTION: dict[str, Knob] = {
    "prior": either(one_of("none", "uniform", "natural"), number(0, 1, "()", listed="yes", least=2), note="uniform"),
    "tau": number(0, note=1.0),
    "temperature": flag(note=True),
    "threshold": one_of("none", "cost", "fitted_cost", "recall", "f1", note="recall"),
    "cost_ratio": number(0, open_ends="(", note=10),
    "min_recall": number(0, 1, "(", note=0.9),
    "positive": optional(one_of(0, 1, note=1)),
}
