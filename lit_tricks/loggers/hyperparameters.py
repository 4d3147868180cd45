"""The records that TensorBoard's HPARAMS tab is made of.

Written as protocol buffers, since ``SummaryWriter.add_hparams`` makes a second run named after the time.
No ``Experiment`` record is written on purpose: TensorBoard would take the columns of the whole tab from
one arbitrary run's record and hide the hyperparameters that only other runs have. Without it the tab shows
the union over all runs.
"""

import math
import time
from argparse import Namespace
from collections.abc import Mapping
from typing import Any

from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.plugins.hparams import api_pb2, metadata, plugin_data_pb2

Value = bool | float | str


def flatten(params: Mapping[str, Any] | Namespace, prefix: str = "") -> dict[str, Value]:
    """Return nested parameters under dotted names, as the values the HPARAMS tab knows.

    Booleans, finite numbers and strings stay; everything else, lists and None included, becomes its text.
    """
    content = vars(params) if isinstance(params, Namespace) else params
    flat: dict[str, Value] = {}
    for key, value in content.items():
        name = f"{prefix}{key}"
        if isinstance(value, Mapping | Namespace):
            flat |= flatten(value, f"{name}.")
        elif isinstance(value, bool | str) or (isinstance(value, int | float) and math.isfinite(value)):
            flat[name] = value
        else:
            flat[name] = str(value)
    return flat


def session_start(hparams: Mapping[str, Value]) -> Summary:
    """Return the record of a run's hyperparameters."""
    info = plugin_data_pb2.SessionStartInfo(start_time_secs=time.time())
    for name, value in hparams.items():
        # a bool is an int as well
        if isinstance(value, bool):
            info.hparams[name].bool_value = value
        elif isinstance(value, str):
            info.hparams[name].string_value = value
        else:
            info.hparams[name].number_value = value
    return _summary(metadata.SESSION_START_INFO_TAG, plugin_data_pb2.HParamsPluginData(session_start_info=info))


def session_end() -> Summary:
    """Return the record that a run ended well."""
    info = plugin_data_pb2.SessionEndInfo(status=api_pb2.STATUS_SUCCESS, end_time_secs=time.time())
    return _summary(metadata.SESSION_END_INFO_TAG, plugin_data_pb2.HParamsPluginData(session_end_info=info))


def _summary(tag: str, content: Any) -> Summary:
    about = metadata.create_summary_metadata(content)
    return Summary(value=[Summary.Value(tag=tag, metadata=about, tensor=metadata.NULL_TENSOR)])
