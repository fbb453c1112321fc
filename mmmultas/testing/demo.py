"""What ``make demo`` does: digits, three trainings, a table, pictures."""
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2

from mmmultas.analysis.browse import contact_sheet
from mmmultas.analysis.comparison import compare_models
from mmmultas.experiments.jobs import Job, run_jobs
from mmmultas.utils.checkpoint import atomic_path
from mmmultas.utils.errors import UserError
from mmmultas.utils.launch import load_config
from mmmultas.utils.resources import command, resource

from .digits import write_digits_voc

__all__ = ['METHODS', 'results_table', 'run_demo']

#: Method of the config's name → what a reader calls it.
METHODS = dict(
    mtl='both, from half of the labels of each',
    det='detection alone',
    seg='segmentation alone')
#: ``max_epochs`` of configs/demo.
NUM_EPOCHS = 4
COLUMNS = ('det/AP50', 'det/mAP', 'seg/mIoU')


def run_demo(data: str | Path, work_dir: str | Path, updates: int,
             parallel: int = 2) -> str:
    """Write the digits, train, test, tabulate, draw.

    Trainings that an earlier call finished or began are not begun anew.

    Args:
        data: Folder of the digits, made if need be.
        work_dir: Folder of everything that the demo writes.
        updates: Updates of every training, 4 or more.
        parallel: Trainings at a time.

    Returns:
        The table of results and where the pictures lie.

    Raises:
        UserError: A training failed, or there are too few updates.
    """
    if updates < 4:
        raise UserError(f'DEMO_UPDATES is 4 or more, not {updates}.')
    # another length is another run
    work_dir = Path(work_dir) / f'{updates}_updates'
    os.environ.update(
        MMMULTAS_DIGITS=str(data), DEMO_UPDATES=str(updates))
    if not (Path(data) / 'VOCdevkit/Digits/ImageSets').is_dir():
        print('1. Digits, boxes on one half and masks on the other:', data)
        write_digits_voc(data)
    print(f'2. Three trainings of {updates} updates per task, logs in '
          f'{work_dir}')
    jobs = [_job(method, work_dir / method, updates) for method in METHODS]
    run_jobs(jobs, parallel)
    table = results_table([_row(method, job)
                           for method, job in zip(METHODS, jobs)])
    print('3. Pictures of validation scenes')
    sheet = _draw(work_dir)
    with atomic_path(work_dir / 'results.md') as part:
        part.write_text(table + '\n')
    last = work_dir / f'mtl/epoch_{NUM_EPOCHS}.pth'
    predict = (f'{command("predict")} {last} {data}/VOCdevkit/Digits/'
               'JPEGImages --out-dir predictions')
    return (f'\nScans that were not trained on, in percent:\n\n'
            f'{table}\n\nTable: {work_dir}/results.md\nPictures: {sheet}\n'
            f'Predict: {predict}')


def results_table(rows: Sequence[dict[str, Any]]) -> str:
    """The runs as a Markdown table.

    Args:
        rows: ``name``, ``updates``, ``minutes`` and metrics in percent.

    Example:
        >>> print(results_table([{'name': 'both', 'updates': 9,
        ...                       'minutes': 0.5, 'seg/mIoU': 61.25}]))
        | training | AP50 | mAP | mIoU | updates | minutes |
        | --- | --- | --- | --- | --- | --- |
        | both | – | – | 61.2 | 9 | 0.5 |
    """
    names = [column.split('/')[1] for column in COLUMNS]
    head = ['training', *names, 'updates', 'minutes']
    lines = [head, ['---'] * len(head)]
    for row in rows:
        scores = [
            f'{row[column]:.1f}' if column in row else '–'
            for column in COLUMNS
        ]
        lines.append([
            row['name'], *scores,
            str(row['updates']), f'{row["minutes"]:.1f}'
        ])
    return '\n'.join('| ' + ' | '.join(line) + ' |' for line in lines)


def _config(method: str) -> Path:
    return resource(f'configs/demo/rn18-16_fpn_{method}_digits.py')


def _job(method: str, work_dir: Path, updates: int) -> Job:
    """Train, or go on training, then test the last checkpoint."""
    config, folder = str(_config(method)), str(work_dir)
    last = str(work_dir / f'epoch_{NUM_EPOCHS}.pth')
    return Job(method, [[
        sys.executable,
        str(resource('tools/train.py')), config, '--work-dir', folder,
        '--resume'
    ], [
        sys.executable,
        str(resource('tools/test.py')), config, last, '--work-dir', folder,
        '--out',
        str(work_dir / 'boxes.json')
    ]], work_dir, updates)


def _row(method: str, job: Job) -> dict[str, Any]:
    metrics = json.loads((job.work_dir / 'boxes.json').read_text())['metrics']
    return dict(
        name=METHODS[method],
        updates=job.updates // NUM_EPOCHS * NUM_EPOCHS,
        minutes=job.seconds / 60,
        **{k: metrics[k]
           for k in COLUMNS if k in metrics})


def _draw(work_dir: Path) -> Path:
    cfg = load_config(_config('mtl'))
    last = {m: work_dir / m / f'epoch_{NUM_EPOCHS}.pth' for m in METHODS}
    pictures = compare_models(
        cfg, {
            'Two networks': [last['det'], last['seg']],
            'One network': [last['mtl']]
        },
        alpha=0.85)  # bright digits would shine through
    path = work_dir / 'predictions.png'
    cv2.imwrite(str(path), contact_sheet(pictures, columns=2)[..., ::-1])
    return path
