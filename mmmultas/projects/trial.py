"""One sample of a stream and the start of a run, as training makes them."""
import copy
from collections.abc import Mapping
from tempfile import TemporaryDirectory
from typing import Any

from mmmultas.datasets.problems import Problem, problem_of
from mmmultas.engine.checks import check_run
from mmmultas.engine.rehearsal import check_boxes
from mmmultas.registry import DATASETS
from mmmultas.utils.errors import CheckpointError, UserError
from mmmultas.utils.instances import as_they_were
from mmmultas.utils.launch import build_runner

__all__ = ['try_run', 'try_stream']


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


def try_run(cfg: Any) -> Problem | None:
    """Build a run, as far as it asks whether companions fit the data.

    Whether losses that join tasks, and rules that weigh them, fit the labels
    is asked by training before its first update; other models say nothing
    there that the files do not.

    Args:
        cfg: A complete config, or one without a model.
    """
    model = cfg.get('model') or {}
    if not (model.get('companions') or model.get('balancer')):
        return None
    cfg = copy.deepcopy(cfg)
    cfg.log_level = 'ERROR'
    with TemporaryDirectory() as folder, as_they_were():
        cfg.work_dir = folder
        try:
            runner = build_runner(cfg)
            loop = runner.build_train_loop(cfg.train_cfg)
            runner._train_loop = loop
            runner.optim_wrapper = runner.build_optim_wrapper(
                cfg.optim_wrapper)
            check_run(runner, loop.allow_overlap)
        except CheckpointError:
            return None  # of a teacher that is still to be trained
        except UserError as error:
            return problem_of(error, 'model', 'change the config', 'model')
    return None
