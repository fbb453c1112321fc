"""The tests of all runs that left predictions, judged once."""
import json
from collections.abc import Sequence
from dataclasses import dataclass, field

from mmmultas.analysis.saved_predictions import SavedPredictions
from mmmultas.structures import DET, SEG
from mmmultas.utils.errors import DataError, UserError
from mmmultas.utils.progress import progress
from mmmultas.utils.run_files import config_beside

from .collect import Collection, Run, reasons
from .judged import Judged, Truth, judge, read_truth

__all__ = ['Tested', 'judge_runs', 'predictions_of']


@dataclass
class Tested:
    """The judged runs.

    Attributes:
        truths: Name of the run → labels that it was tested on.
        found: Name of the run → what its predictions are worth.
        absent: A sentence per reason why runs could not be judged.
    """
    truths: dict[str, Truth] = field(default_factory=dict)
    found: dict[str, Judged] = field(default_factory=dict)
    absent: list[str] = field(default_factory=list)


def predictions_of(runs: Sequence[Run],
                   tasks: Sequence[str] = (DET, SEG)) -> SavedPredictions:
    """Predictions of one run, or of several with a task each.

    Raises:
        DataError: There are none.
    """
    paths = []
    for run in runs:
        if run.folder is None:
            raise DataError('only the result is here')
        for task, name in ((DET, 'boxes.json'), (SEG, 'masks')):
            path = run.folder / name
            if task in tasks and task in run.tasks and path.exists():
                paths.append(path)
    if not paths:
        raise DataError('neither boxes.json nor masks/ is in its folder')
    return SavedPredictions(paths)


def judge_runs(data: Collection) -> Tested:
    """Judge every run; runs of the same test data share its labels."""
    tested = Tested()
    truths: dict[str, Truth | UserError] = {}
    absent: list[tuple[str, str]] = []
    for run in progress(data.runs, what='judge', unit='run'):
        try:
            predictions = predictions_of([run])
            assert run.folder is not None
            cfg = config_beside(run.folder / 'boxes.json')
            key = json.dumps(cfg.get('test_dataloader'), default=str,
                             sort_keys=True)
            if key not in truths:
                try:
                    truths[key] = read_truth(cfg)
                except UserError as error:
                    truths[key] = error
            truth = truths[key]
            if isinstance(truth, UserError):
                raise truth
            tested.found[run.name] = judge(truth, predictions)
            tested.truths[run.name] = truth
        except UserError as error:
            absent.append((run.name, str(error)))
    tested.absent = reasons('Left out here', absent)
    return tested
