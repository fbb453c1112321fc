"""What ``make demo`` does: digits, three trainings, a table, pictures."""
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
from mmengine.logging import MMLogger

from mmmultas.analysis.browse import contact_sheet
from mmmultas.analysis.comparison import compare_models
from mmmultas.experiments.jobs import Job, noted_seconds, run_jobs
from mmmultas.utils.checkpoint import atomic_path
from mmmultas.utils.errors import UserError
from mmmultas.utils.launch import load_config
from mmmultas.utils.quiet import quiet_console
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
        The table of results; its last line is where the picture lies.

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
        print('1. Digits, boxes on one half and masks on the other:', data,
              flush=True)
        write_digits_voc(data)
    print(f'2. Three trainings of {updates} updates per task, logs in '
          f'{work_dir}', flush=True)
    _train([_job(method, work_dir / method, updates) for method in METHODS],
           parallel)
    table = results_table([_row(method, work_dir / method, updates)
                           for method in METHODS])
    with atomic_path(work_dir / 'results.md') as part:
        part.write_text(table + '\n')
    print('3. Pictures of validation scenes', flush=True)
    last = work_dir / f'mtl/epoch_{NUM_EPOCHS}.pth'
    predict = (f'{command("predict")} {last} {data}/VOCdevkit/Digits/'
               'JPEGImages --out-dir predictions')
    return (f'\nScans that were not trained on, in percent:\n\n'
            f'{table}\n\nTable:   {work_dir}/results.md\nPredict: {predict}\n'
            f'Picture: {_draw(work_dir)}')


def _train(jobs: Sequence[Job], parallel: int) -> None:
    """Run what no earlier call has finished; the minutes add up."""
    jobs = [job for job in jobs if job.commands]
    if not jobs:
        print('   All of them are done.')
    try:
        run_jobs(jobs, parallel)
    finally:
        for job in jobs:
            job.stop()
            if len(job.commands) > 1:  # else the first one was a test
                job.note_seconds()


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
    last = work_dir / f'epoch_{NUM_EPOCHS}.pth'
    boxes = work_dir / 'boxes.json'
    train = [
        sys.executable,
        str(resource('tools/train.py')), config, '--work-dir', folder,
        '--resume'
    ]
    test = [
        sys.executable,
        str(resource('tools/test.py')), config, str(last), '--work-dir',
        folder, '--out', str(boxes)
    ]
    commands = [train, test]
    if last.exists():
        is_tested = (boxes.exists()
                     and boxes.stat().st_mtime >= last.stat().st_mtime)
        commands = [] if is_tested else [test]
    # both batches in every update
    weight = 2.0 if method == 'mtl' else 1.0
    return Job(method, commands, work_dir, updates, weight=weight)


def _row(method: str, work_dir: Path, updates: int) -> dict[str, Any]:
    metrics = json.loads((work_dir / 'boxes.json').read_text())['metrics']
    return dict(
        name=METHODS[method],
        updates=updates // NUM_EPOCHS * NUM_EPOCHS,
        minutes=noted_seconds(work_dir) / 60,
        **{k: metrics[k]
           for k in COLUMNS if k in metrics})


def _draw(work_dir: Path) -> Path:
    quiet_console(MMLogger.get_current_instance())
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
