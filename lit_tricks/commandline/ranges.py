"""Every knob of every group with the values it accepts.

A rule for one word (``init/normal``) goes before the rule for its group (``init``).
"""

from lit_tricks.commandline.imbalance_ranges import IMBALANCE, SAMPLER
from lit_tricks.commandline.knobs import Knob, either, flag, number, one_of, optional, text, whole
from lit_tricks.commandline.model_ranges import CORRECTION, INIT, LOSS, MODEL, PENALTY, SVM_GRID
from lit_tricks.commandline.search_ranges import STUDY

POSITIVE = number(0, open_ends="(", note=0.1)
NOT_NEGATIVE = number(0, note=0.0)
SHARE = number(0, 1, note=0.0)
BELOW_ONE = number(0, 1, ")", note=0.9)
BETAS = number(0, 1, ")", listed="yes", least=2, most=2, note=[0.9, 0.999])
PRECISIONS = ("16-true", "16-mixed", "bf16-true", "bf16-mixed", "32-true", "64-true", "transformer-engine")
COLUMNS = either(whole(listed="yes"), text(listed="yes"), Knob("any", listed="yes"), note=["NAME"])
BATCHES = optional(either(whole(0), number(0, 1), note=0.5))


TOP: dict[str, Knob] = {
    "seed": whole(0, 2**32 - 1, note=0),
    "batch_size": whole(1, note=32),
    "lr_scaling": one_of("none", "linear", "sqrt", "auto", note="auto"),
    "base_batch_size": optional(whole(1, note=32)),
    "batch_factor": number(0, open_ends="(", note=4),
    "epoch_factor": number(0, open_ends="(", note=3),
    "data_dir": optional(text(note="data")),
    "resume": optional(text(note="runs/RUN")),
    "threads": either(whole(1), one_of("auto"), note="auto"),
    "compile": either(flag(), one_of("inductor", "cudagraphs", "aot_eager", "eager"), note=True),
    "stepping": one_of("auto", "single", note="auto"),
    "pictures": flag(note=False),
    "shortcuts": flag(note=False),
    "gallery": one_of("worst", "first", note="worst"),
    "duplicates": one_of("none", "exact", "near", note="near"),
    "allow_targets": text(listed="yes", note=["my_package"]),
}

DATA: dict[str, Knob] = {
    "normalise": one_of("minmax", "standard", "none", note="minmax"),
    "train_size": optional(either(number(0, 1, "()"), whole(1), note=0.5)),
    "val_size": either(number(0, 1, ")"), whole(0), note=0.1),
    "shuffled_labels": number(0, 1, note=1.0),
    "planted_cue": number(0, 1, note=1.0),
    "masked_region": optional(Knob("any", listed="yes", least=1, note=[0, 0, 8, 8])),
    "val_split": one_of("stratified", "first", "test", note="stratified"),
    "test_size": either(number(0, 1, "()"), whole(1), note=0.2),
    "folds": optional(whole(2, note=5)),
    "fold": whole(0, note=0),
    "path": optional(text(note="FILE")),
    "label": optional(either(whole(), text(), note=-1)),
    "header": one_of("auto", True, False, note="auto"),
    "separator": text(note="semicolon"),
    "decimal": one_of("point", "comma", note="comma"),
    "categorical": COLUMNS,
    "drop": COLUMNS,
    "test_path": optional(text(note="FILE")),
    "image_size": optional(whole(1, listed="either", least=2, most=2, note=32)),
    "colour": one_of("auto", "grey", "rgb", note="auto"),
    "mirrors": optional(text(listed="yes", least=1, note=["http://HOST/FOLDER"])),
    "classes": optional(whole(0, 9, listed="yes", least=2, note=[0, 1])),
    "malignant_share": optional(number(0, 0.372, "(", note=0.1)),
    "n_samples": whole(4, note=1000),
    "noise": number(0, note=0.25),
    "moons_seed": whole(0, 2**32 - 1, note=3),
}

OPTIMIZER: dict[str, Knob] = {
    "lr": number(0, open_ends="(", note=0.001),
    "betas": BETAS,
    "eps": number(0, open_ends="(", note=1e-8),
    "weight_decay": number(0, note=0.0001),
    "amsgrad": flag(note=False),
    "fused": optional(flag(note=True)),
    "momentum": number(0, 1, ")", note=0.9),
    "dampening": SHARE,
    "nesterov": flag(note=True),
    "rho": number(0, 1, "()", note=0.9),
    "alpha": number(0, 1, ")", note=0.9),
    "centered": flag(note=False),
    "lr_decay": NOT_NEGATIVE,
    "initial_accumulator_value": NOT_NEGATIVE,
    "max_iter": whole(1, note=20),
    "max_eval": optional(whole(1, note=25)),
    "tolerance_grad": NOT_NEGATIVE,
    "tolerance_change": NOT_NEGATIVE,
    "history_size": whole(1, note=100),
    "line_search_fn": optional(one_of("strong_wolfe", note="strong_wolfe")),
}

SCHEDULER: dict[str, Knob] = {
    "warmup_steps": whole(0, note=100),
    "min_lr": NOT_NEGATIVE,
    "max_lr": optional(POSITIVE),
    "half_cycle": optional(whole(1, note=100)),
    "decay_rate": number(0, 1, "(", note=0.96),
    "decay_steps": optional(whole(1, note=1000)),
    "staircase": flag(note=True),
    "pct_start": number(0, 1, note=0.25),
    "div": number(1, note=25),
    "final_div": number(1, note=1e5),
    "cycle_momentum": flag(note=True),
    "base_momentum": BELOW_ONE,
    "max_momentum": BELOW_ONE,
    "factor": number(0, 1, "()", note=0.1),
    "patience": whole(0, note=10),
    "threshold": NOT_NEGATIVE,
    "cooldown": whole(0, note=0),
    "monitor": text(note="val/loss"),
    "mode": one_of("min", "max", note="min"),
    "gamma": number(0, 1, "(", note=0.1),
    "step_epochs": whole(1, note=10),
    "first_period": optional(whole(1, note=1000)),
    "t_mult": number(1, note=2),
    "m_mul": number(0, 1, "(", note=1),
}

AUGMENTATION: dict[str, Knob] = {
    "affine.degrees": number(0, 180, note=10.0),
    "affine.shift": number(0, 1, ")", note=0.1),
    "affine.shear": number(0, 90, ")", note=10.0),
    "affine.zoom": number(0, 1, ")", note=0.1),
    "affine.crop": number(0, 1, "(", note=0.8),
    "affine.rotate_crop": number(0, 1, note=0.5),
    "affine.padding_mode": one_of("zeros", "border", "reflection", note="zeros"),
    "flip.horizontal": number(0, 1, note=0.5),
    "flip.vertical": number(0, 1, note=0.5),
    "random_crop.padding": either(whole(0), number(0, 1, ")"), note=4),
    "colour.brightness": number(0, 1, note=0.1),
    "colour.contrast": number(0, 1, note=0.1),
    "colour.saturation": number(0, 1, note=0.2),
    "colour.hue": number(0, 0.5, note=0.05),
    "random_erasing.p": number(0, 1, note=0.5),
    "random_erasing.scale": number(0, 1, "(", listed="yes", least=2, most=2, note=[0.02, 0.33]),
    "random_erasing.ratio": number(0, open_ends="(", listed="yes", least=2, most=2, note=[0.3, 3.3]),
    "random_erasing.value": one_of("random", "zero", note="random"),
    "mixup.alpha": number(0, note=0.2),
    "mixup.p": number(0, 1, note=1.0),
    "cutmix.alpha": number(0, note=1.0),
    "cutmix.p": number(0, 1, note=0.5),
}

TRAINER: dict[str, Knob] = {
    "accelerator": text(note="auto"),
    "strategy": text(note="auto"),
    "devices": either(one_of("auto", -1), whole(1), whole(0, listed="yes", least=1), text(), note=1),
    "num_nodes": whole(1, note=1),
    "precision": optional(one_of(16, 32, 64, "16", "32", "64", "bf16", *PRECISIONS, note="bf16-mixed")),
    "max_epochs": optional(either(whole(1), one_of(-1), note=20)),
    "min_epochs": optional(whole(1, note=1)),
    "max_steps": either(whole(1), one_of(-1), note=1000),
    "min_steps": optional(whole(1, note=100)),
    "max_time": optional(either(text(), Knob("mapping"), note="00:01:00:00")),
    "limit_train_batches": BATCHES,
    "limit_val_batches": BATCHES,
    "limit_test_batches": BATCHES,
    "limit_predict_batches": BATCHES,
    "overfit_batches": either(whole(0), number(0, 1), note=0.0),
    "fast_dev_run": either(flag(), whole(1), note=True),
    "val_check_interval": optional(either(whole(1), number(0, 1, "("), text(), note=1.0)),
    "check_val_every_n_epoch": optional(whole(1, note=1)),
    "num_sanity_val_steps": optional(whole(-1, note=0)),
    "log_every_n_steps": optional(whole(1, note=50)),
    "enable_checkpointing": optional(flag(note=True)),
    "enable_progress_bar": optional(flag(note=True)),
    "accumulate_grad_batches": whole(1, note=4),
    "gradient_clip_val": optional(number(0, open_ends="(", note=1.0)),
    "gradient_clip_algorithm": optional(one_of("norm", "value", note="norm")),
    "deterministic": optional(one_of(True, False, "warn", note=True)),
    "benchmark": optional(flag(note=True)),
    "inference_mode": flag(note=True),
    "sync_batchnorm": flag(note=True),
    "reload_dataloaders_every_n_epochs": whole(0, note=0),
    "profiler": optional(one_of("simple", "advanced", "pytorch", note="simple")),
    "detect_anomaly": flag(note=True),
    "enable_autolog_hparams": flag(note=True),
}  # fmt: skip

CALLBACKS: dict[str, Knob] = {
    "checkpoint.monitor": text(note="val/loss"),
    "checkpoint.mode": one_of("min", "max", note="min"),
    "progress_bar.refresh_seconds": number(0, open_ends="(", note=0.2),
    "progress_bar.plain_seconds": number(0, note=10.0),
    "layer_recorder.limit": whole(1, note=500),
    "early_stopping.monitor": text(note="val/loss"),
    "early_stopping.mode": one_of("min", "max", note="min"),
    "early_stopping.patience": whole(1, note=3),
    "early_stopping.min_delta": number(0, note=0.0),
    "lr_finder.min_lr": POSITIVE,
    "lr_finder.max_lr": POSITIVE,
    "lr_finder.steps": whole(10, note=100),
    "lr_finder.suggestion": one_of("steepest", "valley", note="steepest"),
    "live_curves.height": whole(8, note=15),
    "live_curves.largest_share": number(0, 1, "(", note=0.02),
    "ema.decay": BELOW_ONE,
    "ema.warm_up": flag(note=True),
    "deferral.start": either(number(0, 1, "()"), whole(1), note=0.8),
    "swa.start": either(number(0, 1, "()"), whole(1), note=0.75),
}

TRANSFER: dict[str, Knob] = {
    "source": text(note="runs/RUN"),
    "statistics": one_of("source", "data", note="source"),
    "new_output": one_of("auto", True, False, note=True),
    "body_lr": number(0, 1, "(", note=0.1),
    "epochs_each": whole(1, note=1),
    "lr_divisor": number(1, note=2.6),
}

KNOBS: dict[str, dict[str, Knob]] = {
    "data": DATA,
    "data/mnist_intensity": {"classes": whole(0, 9, listed="yes", least=2, note=[0, 1])},
    "imbalance": IMBALANCE,
    "model": MODEL,
    "model/svm_grid": SVM_GRID,
    "init": INIT,
    "transfer": TRANSFER,
    "transfer/none": {"source": optional(text(note="runs/RUN"))},
    "loss": LOSS,
    "penalty": PENALTY,
    "optimizer": OPTIMIZER,
    "scheduler": SCHEDULER,
    "scheduler/cyclic": {"min_lr": optional(NOT_NEGATIVE)},
    "scheduler/inverse_time": {"decay_rate": number(0, note=0.5)},
    "sampler": SAMPLER,
    "augmentation": AUGMENTATION,
    "correction": CORRECTION,
    "trainer": TRAINER,
    "logger": {},
    "callbacks": CALLBACKS,
    "study": STUDY,
}
