"""Every neural-network training trick is one word: PyTorch Lightning composed by Hydra."""

__version__ = "0.1.0"
