"""What ``make demo`` and ``make demo-tasks`` do.

Data that nothing downloads, a training of one network for all tasks beside
one per task, a table, pictures.
"""
import json
import os
import shlex
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
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
from .scenes import write_scenes

__all__ = ['DIGITS', 'SCENES', 'Demo', 'results_table', 'run_demo']

#: ``max_epochs`` of configs/demo.
NUM_EPOCHS = 4
_DECIMALS = {'depth/abs_err': 3}


@dataclass(frozen=True)
class Demo:
    """A data set, its trainings, and how they are told.

    Attributes:
        what: What the data are, for the console.
        judged: What the table is of.
        config: Name of the configs, with the method in braces.
        joint: Method that learns all tasks.
        rows: What a reader calls a row of the table → methods that share it.
        columns: Metrics, and what a reader calls them.
        panels: Title in the picture → methods whose predictions it shows.
        variable: Environment variable that holds the data's folder.
        write: Writes the data into a folder.
        written: A file or folder that is there when the data are.
        pictures: The images to predict, in the data's folder.
        number: Of pictures in a sheet; two stand beside each other.
    """
    what: str
    judged: str
    config: str
    joint: str
    rows: Mapping[str, tuple[str, ...]]
    columns: Mapping[str, str]
    panels: Mapping[str, tuple[str, ...]]
    variable: str
    write: Callable[[str | Path], Any]
    written: str
    pictures: str
    number: int = 6

    @property
    def methods(self) -> tuple[str, ...]:
        """All trainings, in the order of the rows."""
        return tuple(m for methods in self.rows.values() for m in methods)

    def path(self, method: str) -> Path:
        """The config of a training."""
        return resource(f'configs/demo/{self.config.format(method)}.py')


DIGITS = Demo(
    what='Digits, boxes on one half and masks on the other',
    judged='Scans that were not trained on, in percent',
    config='rn18-16_fpn_{}_digits',
    joint='mtl',
    rows={
        'both, from half of the labels of each': ('mtl', ),
        'detection alone': ('det', ),
        'segmentation alone': ('seg', )
    },
    columns={'det/AP50': 'AP50', 'det/mAP': 'mAP', 'seg/mIoU': 'mIoU'},
    panels={'Two networks': ('det', 'seg'), 'One network': ('mtl', )},
    variable='MMMULTAS_DIGITS',
    write=write_digits_voc,
    written='VOCdevkit/Digits/ImageSets',
    pictures='VOCdevkit/Digits/JPEGImages')

_SCENE_TASKS = ('det', 'seg', 'depth', 'normals', 'edges')
SCENES = Demo(
    what='Rooms, one of five labels on each',
    judged='Rooms that were not trained on',
    config='rn18-16_fpn_{}_scenes',
    joint='all-tasks',
    rows={
        'one network for five tasks': ('all-tasks', ),
        'five networks': _SCENE_TASKS
    },
    columns={
        'det/AP50': 'boxes, AP50',
        'seg/mIoU': 'classes, mIoU',
        'depth/abs_err': 'depth, error in m (lower is better)',
        'normals/mean': 'normals, degrees (lower is better)',
        'edges/odsF': 'edges, odsF'
    },
    panels={'Five networks': _SCENE_TASKS, 'One network': ('all-tasks', )},
    variable='MMMULTAS_SCENES',
    write=write_scenes,
    written='val.txt',
    pictures='images',
    number=4)


def run_demo(data: str | Path, work_dir: str | Path, updates: int,
             parallel: int = 2, demo: Demo = DIGITS) -> str:
    """Write the data, train, test, tabulate, draw.

    Trainings that an earlier call finished or began are not begun anew.

    Args:
        data: Folder of the data, made if need be.
        work_dir: Folder of everything that the demo writes.
        updates: Updates of every training, 4 or more.
        parallel: Trainings at a time.
        demo: Which one.

    Returns:
        The table of results; its last line is where the picture lies.

    Raises:
        UserError: A training failed, or there are too few updates.
    """
    if updates < 4:
        raise UserError(f'DEMO_UPDATES is 4 or more, not {updates}.')
    # another length is another run
    work_dir = Path(work_dir) / f'{updates}_updates'
    os.environ.update({
        demo.variable: str(data), 'DEMO_UPDATES': str(updates)})
    if not (Path(data) / demo.written).exists():
        print(f'1. {demo.what}:', data, flush=True)
        demo.write(data)
    number = {3: 'Three', 6: 'Six'}[len(demo.methods)]
    print(f'2. {number} trainings of {updates} updates per task, logs in '
          f'{work_dir}', flush=True)
    _train([_job(demo, method, work_dir / method, updates)
            for method in demo.methods], parallel)
    table = results_table([
        _row(name, [work_dir / method for method in methods], updates)
        for name, methods in demo.rows.items()], demo.columns)
    with atomic_path(work_dir / 'results.md') as part:
        part.write_text(table + '\n')
    print('3. Pictures of validation scenes', flush=True)
    last = work_dir / demo.joint / f'epoch_{NUM_EPOCHS}.pth'
    given = shlex.join([str(last), f'{data}/{demo.pictures}'])
    predict = f'{command("predict")} {given} --out-dir predictions'
    return (f'\n{demo.judged}:\n\n'
            f'{table}\n\nTable:   {work_dir}/results.md\nPredict: {predict}\n'
            f'Picture: {_draw(demo, work_dir)}')


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


def results_table(rows: Sequence[dict[str, Any]],
                  columns: Mapping[str, str]) -> str:
    """The runs as a Markdown table.

    Args:
        rows: ``name``, ``updates``, ``minutes`` and metrics.
        columns: Metric → its name in the table.

    Example:
        >>> print(results_table([{'name': 'both', 'updates': 9,
        ...                       'minutes': 0.5, 'seg/mIoU': 61.25}],
        ...                     {'det/mAP': 'mAP', 'seg/mIoU': 'mIoU'}))
        | training | mAP | mIoU | updates | minutes |
        | --- | --- | --- | --- | --- |
        | both | – | 61.2 | 9 | 0.5 |
    """
    head = ['training', *columns.values(), 'updates', 'minutes']
    lines = [head, ['---'] * len(head)]
    for row in rows:
        scores = [
            f'{row[c]:.{_DECIMALS.get(c, 1)}f}' if c in row else '–'
            for c in columns
        ]
        lines.append([
            row['name'], *scores,
            str(row['updates']), f'{row["minutes"]:.1f}'
        ])
    return '\n'.join('| ' + ' | '.join(line) + ' |' for line in lines)


def _job(demo: Demo, method: str, work_dir: Path, updates: int) -> Job:
    """Train, or go on training, then test the last checkpoint."""
    config, folder = str(demo.path(method)), str(work_dir)
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
    # every batch in every update
    weight = len(demo.methods) - 1.0 if method == demo.joint else 1.0
    return Job(method, commands, work_dir, updates, weight=weight)


def _row(name: str, work_dirs: Sequence[Path], updates: int) -> dict[str, Any]:
    row: dict[str, Any] = dict(
        name=name,
        updates=updates // NUM_EPOCHS * NUM_EPOCHS,
        minutes=sum(map(noted_seconds, work_dirs)) / 60)
    for folder in work_dirs:
        row.update(json.loads((folder / 'boxes.json').read_text())['metrics'])
    return row


def _draw(demo: Demo, work_dir: Path) -> Path:
    quiet_console(MMLogger.get_current_instance())
    cfg = load_config(demo.path(demo.joint))
    pictures = compare_models(
        cfg, {
            title: [work_dir / m / f'epoch_{NUM_EPOCHS}.pth' for m in methods]
            for title, methods in demo.panels.items()
        },
        number=demo.number,
        alpha=0.85)  # bright digits would shine through
    path = work_dir / 'predictions.png'
    cv2.imwrite(str(path), contact_sheet(pictures, columns=2)[..., ::-1])
    return path
