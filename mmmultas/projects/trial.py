"""One sample of a stream, made as a run makes it."""
from collections.abc import Mapping
from typing import Any

from mmmultas.datasets.problems import Problem, problem_of
from mmmultas.engine.rehearsal import check_boxes
from mmmultas.registry import DATASETS
from mmmultas.utils.errors import UserError

__all__ = ['try_stream']


def try_stream(key: str, loader: Mapping[str, Any],
               evaluated: bool) -> Problem | None:
    """Build a stream's data set and draw its first sample.

    What no file shows is seen here: a transform that loses a label, a packer
    that drops ``tasks``, data sets that cannot be joined, labels of
    evaluation that are resized.

    Args:
        key: Place of the stream in the config.
        loader: Its config.
        evaluated: Whether it is for validation or test.
    """
    where = f'{key}.dataset'
    try:
        dataset = DATASETS.build(
            dict(
                type='mmmultas.SeededDataset',
                dataset=loader['dataset'],
                key=where))
        dataset.full_init()
        if len(dataset):
            dataset[0]
        if evaluated:
            check_boxes(key, dataset)
    except UserError as error:
        return problem_of(error, where, 'mend the pipeline', 'pipeline')
    return None
