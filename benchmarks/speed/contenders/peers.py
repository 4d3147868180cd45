"""What users would pick instead: Keras, skorch and scikit-learn on the same network, data and optimizer.

Each returns the seconds of one epoch after a warm-up.
"""

import os
import time

from benchmarks.speed.contenders.training import RATE, Training, one_thread
from benchmarks.speed.row import Work

_WARM_UP_BATCHES = 20


def keras(work: Work, training: Training) -> float:
    """Keras on its torch backend: ``compile`` and ``fit`` with the accuracy as metric."""
    os.environ["KERAS_BACKEND"] = "torch"
    import keras as k

    one_thread()
    x, y = (tensor.numpy() for tensor in training.data(work))
    layers = [k.layers.Dense(size, activation="sigmoid") for size in training.hidden or ()]
    model = k.Sequential([k.layers.Input((784,)), *layers, k.layers.Dense(10)])
    loss = k.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(optimizer=k.optimizers.SGD(RATE), loss=loss, metrics=["accuracy"])
    few, options = training.batch_size * _WARM_UP_BATCHES, {"batch_size": training.batch_size, "verbose": 0}
    model.fit(x[:few], y[:few], epochs=1, **options)
    started = time.perf_counter()
    model.fit(x, y, epochs=1, **options)
    return time.perf_counter() - started


def skorch(work: Work, training: Training) -> float:
    """skorch's NeuralNetClassifier without a validation split, otherwise as it comes."""
    import torch
    from skorch import NeuralNetClassifier

    one_thread()
    x, y = (tensor.numpy() for tensor in training.data(work))
    net = NeuralNetClassifier(
        training.network(),
        criterion=torch.nn.CrossEntropyLoss,
        optimizer=torch.optim.SGD,
        lr=RATE,
        batch_size=training.batch_size,
        max_epochs=2,
        train_split=None,
        iterator_train__shuffle=True,
        verbose=0,
    )
    net.fit(x, y)
    return float(net.history[-1]["dur"])


def scikit_learn(work: Work, training: Training) -> float:
    """scikit-learn's MLPClassifier by ``partial_fit``."""
    from sklearn.neural_network import MLPClassifier

    x, y = (tensor.numpy() for tensor in training.data(work))
    batch_size = training.batch_size
    model = MLPClassifier(training.hidden, activation="logistic", solver="sgd", alpha=0.0, batch_size=batch_size)
    model.set_params(learning_rate_init=RATE, momentum=0.0)
    few, classes = batch_size * _WARM_UP_BATCHES, list(range(10))
    model.partial_fit(x[:few], y[:few], classes=classes)
    started = time.perf_counter()
    model.partial_fit(x, y, classes=classes)
    return time.perf_counter() - started
