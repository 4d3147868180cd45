"""The knobs of the words that make classes unequal, and of those that draw them more alike."""

from lit_tricks.commandline.knobs import Knob, either, flag, number, one_of, optional, whole

IMBALANCE: dict[str, Knob] = {
    "splits": one_of("train", "all", note="train"),
    "share": number(0, 1, "()", note=0.1),
    "rare": optional(one_of(0, 1, note=1)),
    "factor": number(1, note=10),
    "rare_classes": number(0, 1, "()", note=0.5),
    "order": optional(whole(0, listed="yes", least=2, note=[1, 0])),
    "counts": whole(1, listed="yes", least=2, note=[900, 100]),
}

SAMPLER: dict[str, Knob] = {
    "power": number(0, 1, note=0.0),
    "epochs": optional(whole(1, note=20)),
    "resampler.sampling_strategy": either(
        one_of("auto", "all", "minority", "majority", "not minority", "not majority"),
        number(0, 1, "("),
        Knob("mapping"),
        note="auto",
    ),
    "resampler.replacement": flag(note=False),
    "resampler.k_neighbors": whole(1, note=5),
}
