import json

import numpy as np
import pytest
import torch
from torch import nn

from lit_tricks.callbacks import LayerRecorder
from lit_tricks.data import DigitsDataModule
from lit_tricks.errors import UserError
from tests.training import make_module, make_trainer


def fitted(tmp_path, network=None, callbacks=(), dropout=0.0):
    datamodule = DigitsDataModule(batch_size=32, seed=0, train_size=200)
    module = make_module(datamodule, dropout=dropout, network=network)
    make_trainer(tmp_path, 2, callbacks).fit(module, datamodule=datamodule)
    return datamodule, module


def test_records_what_each_layer_computes_before_and_after(tmp_path):
    recorder = LayerRecorder(limit=50)
    datamodule, module = fitted(tmp_path, callbacks=[recorder])
    first, last = recorder.layers["end"]
    assert (first["name"], last["name"]) == ("layers.0.linear", "output")
    rows = np.linspace(0, len(datamodule.train) - 1, 50).round().astype(int)
    chosen = datamodule.train.take(rows)
    module.eval()
    x = module.normaliser(chosen.x).flatten(1)
    drives = module.network.layers[0].linear(x).detach()
    assert first["drive_std"] == pytest.approx(float(drives.std(correction=0)), rel=1e-4)
    assert sum(first["drive_counts"]) == drives.numel()
    loss = module.objective(module(chosen.x), chosen.y)
    (gradient,) = torch.autograd.grad(loss, module.network.output.weight)
    assert last["gradient_std"] == pytest.approx(float(gradient.square().mean().sqrt()), rel=1e-4)
    assert last["gradient_mean"] == pytest.approx(float(gradient.abs().mean()), rel=1e-4)
    assert last["gradient_norm"] == pytest.approx(float(gradient.norm()), rel=1e-4)
    assert first["dead"] == pytest.approx(float((drives <= 0).all(0).float().mean()))
    assert last["dead"] is None
    assert recorder.layers["start"][0]["drive_std"] != first["drive_std"]
    counts = np.array(recorder.outputs["end"]["counts"])
    np.testing.assert_array_equal(counts.sum(2)[0], np.bincount(chosen.y, minlength=10))


def test_recording_leaves_training_as_it_is(tmp_path):
    _, plain = fitted(tmp_path / "plain", dropout=0.3)
    _, watched = fitted(tmp_path / "watched", callbacks=[LayerRecorder()], dropout=0.3)
    for ours, theirs in zip(watched.state_dict().values(), plain.state_dict().values(), strict=True):
        assert torch.equal(ours, theirs)


def test_batch_norm_keeps_its_running_averages(tmp_path):
    def network():
        torch.manual_seed(0)
        return nn.Sequential(nn.Flatten(), nn.Linear(64, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 10))

    _, plain = fitted(tmp_path / "plain", network())
    _, watched = fitted(tmp_path / "watched", network(), [LayerRecorder()])
    assert torch.equal(plain.network[2].running_mean, watched.network[2].running_mean)


def test_the_first_record_survives_a_resumption():
    recorder, resumed = LayerRecorder(), LayerRecorder()
    recorder.layers, recorder.outputs = {"start": [{"name": "a"}]}, {"start": {"edges": [], "counts": []}}
    resumed.load_state_dict(recorder.state_dict())
    assert resumed.layers == recorder.layers


def test_units_that_no_example_passes_are_dead_and_channels_likewise(tmp_path):
    network = nn.Sequential(
        nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Linear(144, 8), nn.ReLU(), nn.Linear(8, 10)
    )
    with torch.no_grad():
        network[1].bias[:3] = -100.0
        network[4].bias[:2] = -100.0
    recorder = LayerRecorder(limit=50)
    fitted(tmp_path, network, [recorder])
    # it is behind the batch norm that the channels are cut off
    assert [layer["dead"] for layer in recorder.layers["start"]] == [0.75, 0.25, None]


def test_the_record_is_on_disk_as_soon_as_it_is_made_and_holds_numbers_only(tmp_path):
    network = nn.Sequential(nn.Flatten(), nn.Linear(64, 8), nn.Linear(8, 10))
    nn.init.constant_(network[1].weight, 3e38)
    with pytest.raises(UserError, match="must stay finite"):
        fitted(tmp_path, network, [LayerRecorder(limit=50, run_dir=tmp_path)])
    found = json.loads((tmp_path / "layers.json").read_text(), parse_constant=pytest.fail)
    assert [layer["name"] for layer in found["start"]] == ["1", "2"]
    assert found["start"][1]["input_std"] is None
    assert "end" not in found
