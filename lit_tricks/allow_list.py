"""The names behind the allow-list for ``_target_``: data alone; ``targets`` says how it is used."""

OWN_PACKAGE = "lit_tricks"

# The rooms of this package that hold what a configuration builds.
ROOMS: tuple[str, ...] = tuple(
    f"{OWN_PACKAGE}.{room}"
    for room in (
        "data", "models", "objectives", "optim", "callbacks", "loggers", "classical", "corrections", "studies",
        "transfer",
    )
)  # fmt: skip

# The modules of scikit-learn whose classes answer, search or calibrate. Its pipelines could be told to cache, in
# pickles.
SKLEARN: tuple[str, ...] = tuple(
    f"sklearn.{module}"
    for module in (
        "calibration", "discriminant_analysis", "dummy", "ensemble", "gaussian_process", "linear_model",
        "model_selection", "multiclass", "naive_bayes", "neighbors", "neural_network", "svm", "tree",
    )
)  # fmt: skip

# A model of these is no network: it is fitted at once.
CLASSICAL: tuple[str, ...] = ("sklearn", f"{OWN_PACKAGE}.classical")

NAMED: tuple[str, ...] = (
    *ROOMS,
    "lit_tricks.comparison",
    "lit_tricks.pretraining",
    *SKLEARN,
    "torch.nn",
    "torch.optim",
    "pytorch_lightning.Trainer",
    "pytorch_lightning.LightningModule",
    "pytorch_lightning.LightningDataModule",
    "pytorch_lightning.callbacks",
    "pytorch_lightning.loggers",
    "pytorch_lightning.profilers",
    "pytorch_lightning.strategies",
    "torchmetrics",
    "kornia.augmentation",
    "imblearn.combine",
    "imblearn.over_sampling",
    "imblearn.under_sampling",
)

# Where the classes behind the names above are defined. Other metrics fetch models by name from a hub.
HOMES: tuple[str, ...] = (
    *(name for name in NAMED if name != "torchmetrics"),
    "pytorch_lightning.trainer.trainer",
    "pytorch_lightning.core",
    "torchmetrics.aggregation",
    "torchmetrics.classification",
)

# What is installed beside us is no package of the user's: admitting it would undo the list above.
FOREIGN: frozenset[str] = frozenset({
    "IPython", "PIL", "aiohttp", "alembic", "antlr4", "cffi", "cloudpickle", "colorlog", "dill", "filelock",
    "fsspec", "functorch", "hydra", "hydra_plugins", "imblearn", "jinja2", "joblib", "jsonargparse", "kornia",
    "lightning", "lightning_fabric", "lightning_utilities", "lit_tricks", "mako", "matplotlib", "mpmath",
    "networkx", "numba", "numpy", "omegaconf", "optuna", "packaging", "pandas", "pip", "pkg_resources", "plotext",
    "pooch", "prettytable", "psutil", "py", "pygments", "pytest", "pytorch_lightning", "requests", "rich", "scipy",
    "setuptools", "sklearn", "skops", "sqlalchemy", "sympy", "tensorboard", "torch", "torchgen", "torchmetrics",
    "tqdm", "triton", "typing_extensions", "urllib3", "wheel", "yaml",
})  # fmt: skip
