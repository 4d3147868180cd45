"""What the lectures published, by row."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Row:
    """One system of the lectures.

    Attributes:
        word: the experiment, without ``lecture/``.
        published: metric of ``results.json`` → the lecture's figure; empty where it showed a picture.
        picture: file in the run directory, or in the sweep's, that shows what the lecture showed.
        seeds: how many seeds it takes; 1 for a row that no seed changes, and for pictures.
        digits: decimal places that the lecture printed.
        note: what a reader of the table should know.
    """

    word: str
    published: dict[str, float] = field(default_factory=dict)
    picture: str = ""
    seeds: int = 1
    note: str = ""
    digits: int = 5

    @property
    def name(self) -> str:
        """The lecture's own number of the row, such as ``A9``."""
        return self.word.partition("_")[0].upper()


SEEDS = 5

ROWS = (
    Row(
        "a1_two_features",
        {"train/loss": 0.00754, "train/acc": 0.99281, "test/loss": 0.00546, "test/acc": 0.99574},
        "figures/outputs.png",
        SEEDS,
    ),
    Row("a2_svm_kernels", picture="comparison_regions.png"),
    Row(
        "a3_svm_grid_search",
        {"train/acc": 0.99360, "test/acc": 0.99527},
        "figures/search.png",
        note="the search is won by C = 50 with gamma = .5, as in the lecture",
    ),
    Row(
        "a4_svm_all_pixels",
        {"train/acc": 1.0, "test/acc": 0.9664},
        "figures/misclassified.png",
        note="6,202 support vectors in the lecture",
        digits=4,
    ),
    Row(
        "a4_svm_sixty_thousand",
        {"test/acc": 0.984},
        "figures/misclassified.png",
        note="the lecture says about 98.4% of all 60,000 images",
        digits=3,
    ),
    Row(
        "a5_from_scratch",
        {"train/loss": 0.03172, "train/acc": 0.96358, "test/loss": 0.04477, "test/acc": 0.94860},
        "figures/drives.png",
        SEEDS,
    ),
    Row(
        "a6_scaled_weights",
        {"train/loss": 0.02249, "train/acc": 0.97518, "test/loss": 0.03646, "test/acc": 0.95840},
        "figures/drives.png",
        SEEDS,
    ),
    Row("a7_hundred_neurons", picture="comparison.png"),
    Row("a8_training_against_testing", picture="figures/learning_curves.png"),
    Row(
        "a9_keras_baseline",
        {"train/loss": 0.00450, "train/acc": 0.97587, "test/loss": 0.00664, "test/acc": 0.96090},
        "figures/misclassified.png",
        SEEDS,
        "its first 100 wrongly recognised images are A10",
    ),
    Row("a10_wrong_images", picture="figures/misclassified.png", note="the lecture's network has about 391 errors"),
    Row("a11_bias", picture="comparison_regions.png"),
    Row("a12_two_hidden_layers", picture="figures/learning_curves.png"),
    Row("a13_automatic_differentiation", picture="figures/descents.png"),
    Row("b1_slow_learning", picture="figures/learning_curves.png"),
    Row("b2_cross_entropy_learns_at_once", picture="figures/learning_curves.png"),
    Row(
        "b3_softmax_cross_entropy",
        {"train/loss": 0.03947, "train/acc": 0.98823, "test/loss": 0.13726, "test/acc": 0.96040},
        seeds=SEEDS,
    ),
    Row("b4_ten_yes_no_questions", picture="figures/confusion_matrix.png"),
    Row(
        "b5_second_choice",
        picture="figures/misclassified.png",
        note="every wrong image is a line of `mistakes.csv`; `results.json` counts those whose second choice is right",
    ),
    Row("b6_gradient_at_the_drive", picture="figures/gradient_at_the_drive.png"),
    Row("b7_label_smoothing", picture="comparison.png"),
    Row("c1_network_diagram", picture="figures/network.png", note="401,920 + 262,656 + 5,130 = 669,706 parameters"),
    Row("c2_activations", picture="figures/activations.png"),
    Row("c3_relu_against_tanh", picture="comparison_regions.png"),
    Row("c4_initialisations", picture="comparison_layers.png"),
    Row("c5_depth_and_width", picture="comparison.png"),
    Row("c6_bottleneck", picture="comparison.png"),
    Row("c7_input_normalisation", picture="comparison.png"),
    Row(
        "c8_batch_normalisation",
        picture="comparison.png",
        note="it trains faster; with 6,000 images the figures of validation swing, as they do in plain PyTorch",
    ),
    Row("c9_convolution_block", picture="figures/learning_curves.png"),
    Row("c10_transfer", picture="comparison.png", note="one source for all seeds"),
    Row("d1_optimizer_race", picture="figures/paths_together.png"),
    Row("d2_learning_rates_on_a_surface", picture="figures/paths.png"),
    Row("d3_schedules", picture="comparison.png"),
    Row("d4_learning_rates", picture="comparison.png"),
    Row("d5_mini_batches", picture="comparison.png"),
    Row("d5_momentum", picture="comparison.png"),
    Row("d5_shuffling", picture="comparison.png"),
    Row("d6_seeds", picture="comparison.png"),
    Row(
        "e1_fashion",
        {"test/acc": 0.7547},
        "figures/confusion_matrix.png",
        SEEDS,
        "the printed figure is an outlier of a run whose last epoch went wrong: expect about .86",
    ),
    Row("e2_live_curves", picture="figures/learning_curves.png"),
    Row("e3_early_stopping", picture="figures/learning_curves.png"),
    Row("e4_grid", picture="figures/search_grid.png", note="the accuracy of a search is its best trial's over 3 folds"),
    Row("e4_random", picture="figures/search_slices.png"),
    Row("e4_bayesian", picture="figures/search_history.png"),
    Row("e4_halving", picture="figures/search_curves.png"),
    Row("e5_other_seeds", picture="comparison_regions.png"),
    Row("e5_more_epochs", picture="comparison.png"),
    Row("e5_sensible_mapping", picture="comparison.png"),
    Row("e5_vanishing_gradients", picture="comparison_layers.png"),
    Row("e5_exploding_gradients", picture="comparison_layers.png"),
    Row("e5_dying_relu", picture="comparison_layers.png"),
    Row("f1_l2_keras", picture="comparison.png"),
    Row("f1_l2_half_sum", picture="comparison.png"),
    Row("f1_l1", picture="comparison.png"),
    Row("f2_dropout", picture="comparison.png"),
    Row("f3_batchnorm_and_dropout", picture="comparison.png"),
    Row("f4_augmentation", picture="figures/augmentation.png"),
    Row(
        "g1_always_no",
        {"test/acc": 0.9},
        "figures/confusion_matrix.png",
        note="the balanced accuracy beside it is .5",
        digits=2,
    ),
    Row(
        "g2_confusion_matrix",
        picture="comparison.png",
        note="each run's `figures/confusion_matrix.png`; precision and recall of every class stand in `results.json`",
    ),
    Row("g3_weighted_loss", picture="comparison_regions.png"),
    Row(
        "g4_balanced_batches",
        picture="comparison.png",
        note="3 against 8 with 51 eights to learn from: under balanced batches validation loss rises from the start",
    ),
    Row("g5_planted_cue", picture="figures/shortcut.png", note="the test images are clean: the network collapses"),
    Row("g6_homework", picture="figures/misclassified.png"),
)
