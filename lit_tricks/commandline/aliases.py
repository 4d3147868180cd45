"""Names that other programs give to our knobs and words."""

ALIASES: dict[str, str] = {
    "accelerator": "trainer.accelerator",
    "arch": "model",
    "architecture": "model",
    "batch": "batch_size",
    "batches": "trainer.limit_train_batches",
    "bs": "batch_size",
    "clip": "trainer.gradient_clip_val",
    "clipnorm": "trainer.gradient_clip_val",
    "cpu": "trainer=cpu",
    "criterion": "loss",
    "cuda": "trainer=gpu",
    "dataset": "data",
    "ddp": "trainer=ddp",
    "device": "trainer=gpu",
    "epoch": "trainer.max_epochs",
    "epochs": "trainer.max_epochs",
    "file": "data.path",
    "folder": "data.path",
    "gpu": "trainer=gpu",
    "gpus": "trainer=gpu",
    "grad_clip": "trainer.gradient_clip_val",
    "gradient_clip": "trainer.gradient_clip_val",
    "hidden_size": "model.hidden",
    "hidden_units": "model.hidden",
    "initialization": "init",
    "initializer": "init",
    "kernel_regularizer": "penalty",
    "l1_l2": "penalty=elastic_net",
    "layers": "model.hidden",
    "learning_rate": "optimizer.lr",
    "lr_schedule": "scheduler",
    "lr_scheduler": "scheduler",
    "n_epochs": "trainer.max_epochs",
    "net": "model",
    "network": "model",
    "num_epochs": "trainer.max_epochs",
    "objective": "loss",
    "random_seed": "seed",
    "random_state": "seed",
    "schedule": "scheduler",
    "steps": "trainer.max_steps",
    "train_fraction": "data.train_size",
    "units": "model.hidden",
    "validation_split": "data.val_size",
}

# What other programs have and this one does without.
ABSENT: dict[str, str] = {
    name: "data lies in memory and needs no loader processes: leave it out, or set the processor threads with threads=4"
    for name in ("workers", "num_workers", "n_workers", "n_jobs")
} | {"_target_": "what is added to a group of several has a name: try '+augmentation.NAME={_target_:package.Class}'"}
