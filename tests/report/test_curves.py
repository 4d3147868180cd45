import math

import pytest

from lit_tricks.report.figures import learning_curves, learning_rate_curve, save_figure


def rows(epochs, **changes):
    made = [
        {
            "epoch": float(epoch),
            "step": 10.0 * epoch + 9,
            "train/loss": 2 * math.exp(-epoch),
            "val/loss": 1 + (epoch - 3) ** 2 / 10,
            "train/acc": 0.9,
            "val/acc": 0.8,
            "lr": 0.1 * 0.5**epoch,
        }
        for epoch in range(epochs)
    ]
    return [row | changes for row in made]


def lines(axes):
    return {line.get_label(): line for line in axes.get_lines()}


def headline(figure):
    return figure.get_suptitle()


def test_draws_every_split_over_epochs_counted_from_one():
    loss, accuracy = learning_curves(rows(5)).axes
    assert list(lines(loss)) == ["training", "validation", "best epoch"]
    assert list(lines(loss)["training"].get_xdata()) == [1, 2, 3, 4, 5]
    assert list(lines(loss)["validation"].get_ydata()) == pytest.approx([1.9, 1.4, 1.1, 1.0, 1.1])
    assert set(lines(accuracy)["training"].get_ydata()) == {0.9}


def test_under_augmentation_the_clean_curve_is_the_training_curve():
    augmented = rows(5, **{"train_clean/loss": 0.25, "train_clean/acc": 0.95})
    loss, accuracy = learning_curves(augmented).axes
    assert list(lines(loss)) == ["training, augmented", "training", "validation", "best epoch"]
    assert set(lines(loss)["training"].get_ydata()) == {0.25}
    assert set(lines(accuracy)["training"].get_ydata()) == {0.95}
    assert set(lines(accuracy)["training, augmented"].get_ydata()) == {0.9}
    styles = [lines(loss)[name].get_linestyle() for name in ("training, augmented", "training")]
    assert styles == ["--", "-"]


def test_marks_the_epoch_of_the_lowest_validation_loss():
    figure = learning_curves(rows(6))
    assert list(lines(figure.axes[0])["best epoch"].get_xdata()) == [4, 4]
    assert headline(figure) == "Best at epoch 4: validation loss 1, acc. 80.0%"


def test_marks_the_epoch_it_is_given():
    assert list(lines(learning_curves(rows(6), best_epoch=1).axes[0])["best epoch"].get_xdata()) == [2, 2]


def test_without_validation_training_decides():
    figure = learning_curves(rows(3, **{"val/loss": None, "val/acc": None}))
    assert headline(figure).startswith("Best at epoch 3: training loss")
    assert "validation" not in lines(figure.axes[0])


@pytest.mark.parametrize("epochs", [1, 2, 7, 300])
def test_ticks_are_few_whole_epochs(epochs, tmp_path):
    figure = learning_curves(rows(epochs))
    save_figure(figure, tmp_path / "curves.png")
    for axes in figure.axes:
        low, high = axes.get_xlim()
        ticks = [tick for tick in axes.get_xticks() if low <= tick <= high]
        assert 1 <= len(ticks) <= 8
        assert all(tick == int(tick) for tick in ticks)


def test_a_loss_that_breaks_is_said_and_drawn_up_to_there(tmp_path):
    broken = rows(5)
    for row in broken[3:]:
        row["train/loss"] = float("nan")
        row["val/loss"] = float("inf")
    figure = learning_curves(broken)
    save_figure(figure, tmp_path / "curves.png")
    assert headline(figure).endswith("not finite from epoch 4")
    assert list(lines(figure.axes[0])["training"].get_xdata()) == [1, 2, 3]


def test_a_loss_that_was_never_finite_is_said(tmp_path):
    figure = learning_curves([{"epoch": 0.0, "train/loss": float("nan")}])
    save_figure(figure, tmp_path / "curves.png")
    assert headline(figure) == "The loss is not finite from epoch 1 on"


def test_no_rows_at_all(tmp_path):
    figure = learning_curves([])
    save_figure(figure, tmp_path / "curves.png")
    assert headline(figure) == "No loss was logged"


def test_scale_is_logarithmic_only_over_two_decades():
    assert learning_curves(rows(3)).axes[0].get_yscale() == "linear"
    assert learning_curves(rows(9)).axes[0].get_yscale() == "log"


def test_learning_rate_says_where_it_went(tmp_path):
    figure = learning_rate_curve(rows(3))
    save_figure(figure, tmp_path / "rate.png")
    assert headline(figure) == "The learning rate went from 0.1 to 0.025"
    assert list(figure.axes[0].get_lines()[0].get_ydata()) == pytest.approx([0.1, 0.05, 0.025])
    assert headline(learning_rate_curve(rows(3, lr=0.5))) == "The learning rate stayed at 0.5"
    assert headline(learning_rate_curve([])) == "No learning rate was logged"
