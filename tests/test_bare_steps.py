import pytest
import torch
from torch import nn

from lit_tricks.bare_steps import bare_backward, bare_step


def network():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(5, 4), nn.Tanh(), nn.Linear(4, 3))


def loss_of(net):
    return nn.functional.cross_entropy(net(torch.linspace(-1, 1, 10).view(2, 5)), torch.tensor([0, 2]))


def test_gradients_are_those_of_backward_and_add_up():
    ours, theirs, backward = network(), network(), bare_backward()
    for _ in range(2):
        backward(loss_of(ours))
        loss_of(theirs).backward()
    for a, b in zip(ours.parameters(), theirs.parameters(), strict=True):
        assert torch.equal(a.grad, b.grad)


@pytest.mark.parametrize(
    "make",
    [
        lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9, nesterov=True),
        lambda p: torch.optim.SGD(p, lr=0.1, fused=True),
        lambda p: torch.optim.Adam(p, fused=True),
        lambda p: torch.optim.RMSprop(p),
        lambda p: torch.optim.Adagrad(p),
    ],
)
def test_steps_are_those_of_the_optimizer(make):
    ours, theirs = network(), network()
    first, second = make(ours.parameters()), make(theirs.parameters())
    step = bare_step(first)
    for _ in range(3):
        for net, take in ((ours, step), (theirs, second.step)):
            net.zero_grad()
            loss_of(net).backward()
            take()
    for a, b in zip(ours.parameters(), theirs.parameters(), strict=True):
        assert torch.equal(a, b)
        assert a.requires_grad


def test_hooks_and_schedules_still_see_every_step():
    net = network()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    seen = []
    handle = optimizer.register_step_post_hook(lambda *_: seen.append("hook"))
    bare_step(optimizer)()
    handle.remove()
    bare_step(optimizer)()
    assert seen == ["hook"]
    # warns when no step was seen before it
    schedule = torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.5)
    bare_step(optimizer)()
    schedule.step()


def test_an_optimizer_of_the_users_own_keeps_its_step():
    class Counting(torch.optim.SGD):
        steps = 0

        def step(self, closure=None):
            self.steps += 1
            return super().step(closure)

    optimizer = Counting(network().parameters(), lr=0.1)
    bare_step(optimizer)()
    assert optimizer.steps == 1
