"""Says in one line when the asked-for hardware is not there."""

from collections.abc import Mapping
from typing import Any

import torch
from pytorch_lightning.accelerators import AcceleratorRegistry

from lit_tricks.errors import UserError

REMEDY = {
    "gpu": "use trainer=cpu or trainer=auto, or install a torch build for this GPU",
    "cuda": "use trainer=cpu or trainer=auto, or install a CUDA build of torch",
    "mps": "use trainer=cpu or trainer=auto; MPS needs an Apple silicon Mac",
    "tpu": "use trainer=cpu or trainer=auto; a TPU needs torch_xla on a TPU host",
}


def check_accelerator(trainer: Mapping[str, Any]) -> None:
    """Raise ``UserError`` when the trainer's accelerator or number of devices is not on this machine."""
    wanted = str(trainer.get("accelerator", "auto"))
    if wanted in ("auto", "cpu"):
        return
    present = {
        "gpu": torch.cuda.is_available() or torch.backends.mps.is_available(),
        "cuda": torch.cuda.is_available(),
        "mps": torch.backends.mps.is_available(),
    }.get(wanted)
    if present is None:
        if wanted not in AcceleratorRegistry:
            raise UserError(
                f"trainer.accelerator must be one of {', '.join(sorted(AcceleratorRegistry))}; received {wanted}: "
                "use trainer=auto"
            )
        try:
            present = AcceleratorRegistry.get(wanted).is_available()
        except ModuleNotFoundError:
            present = False
    if not present:
        remedy = REMEDY.get(wanted, "use trainer=auto")
        raise UserError(f"trainer.accelerator must exist on this machine; {wanted} was not found: {remedy}")
    devices = trainer.get("devices", "auto")
    if wanted in ("gpu", "cuda") and isinstance(devices, int) and devices > max(torch.cuda.device_count(), 1):
        raise UserError(
            f"trainer.devices must be at most the number of GPUs, {torch.cuda.device_count()}; received {devices}: "
            f"use trainer.devices={torch.cuda.device_count()}"
        )
