"""Train a network: ``python train.py [group=word ...] [key=value ...]``; ``--help`` lists the words."""

from lit_tricks.commandline.entry import main

if __name__ == "__main__":
    raise SystemExit(main())
