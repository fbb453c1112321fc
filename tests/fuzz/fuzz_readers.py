"""Feed broken and hostile files to every reader.

    python tests/fuzz/fuzz_readers.py --count 10000 --seed 0 --out fuzz_out

Success, or one clear UserError that names the file: everything else (another
exception, a crash, a hang, a gigabyte of memory, a file opened elsewhere) is
a failure, whose file is kept, as small as it could be made. File k is a
function of the seed and k alone.
"""
import argparse
import collections
import functools
import multiprocessing
import os
import random
import resource
import sys
import tempfile
import time
import traceback
import warnings
from pathlib import Path

for place in (1, 2):  # tests/ and the repository, when run as a script
    sys.path.insert(0, str(Path(__file__).resolve().parents[place]))

import numpy as np  # noqa: E402
from fuzz import corpus  # noqa: E402

from mmmultas.experiments.matrix import read_matrix  # noqa: E402
from mmmultas.apis.publish import publish_checkpoint  # noqa: E402
from mmmultas.analysis.saved_predictions import SavedPredictions  # noqa: E402
from mmmultas.datasets import FolderDataset  # noqa: E402
from mmmultas.datasets.checks import (png_size, read_ids,  # noqa: E402
                                      read_voc_xml, scan_voc_xml)
from mmmultas.datasets.coco import read_coco, scan_coco  # noqa: E402
from mmmultas.datasets.colours import ColourTable  # noqa: E402
from mmmultas.datasets.examine import Item, Rules, examine  # noqa: E402
from mmmultas.datasets.files import picture_size  # noqa: E402
from mmmultas.datasets.label_map import voc_space  # noqa: E402
from mmmultas.datasets.sbd import read_sbd_mask  # noqa: E402
from mmmultas.datasets.transforms.loading import (LoadImage,  # noqa: E402
                                                  LoadLabels)
from mmmultas.datasets.vedai import read_joint, read_single  # noqa: E402
from mmmultas.utils.checkpoint import load_file, state_dict_of  # noqa: E402
from mmmultas.utils.errors import UserError  # noqa: E402

SECONDS, MEBIBYTES, LETTERS = 10, 1200, 700
TABLE = voc_space('seg').lut()
COLOURS = ColourTable.build({0: 0, 0x080808: 1})
ROOT = Path(__file__).resolve().parents[2]
#: What a reader does in its own folder only, and what it never does.
IN_PLACE = ('os.remove', 'os.rename', 'os.mkdir', 'os.chmod', 'os.listdir',
            'os.scandir', 'os.walk', 'os.truncate', 'shutil.')
NEVER = ('os.system', 'os.exec', 'os.fork', 'os.posix_spawn', 'os.spawn',
         'os.symlink', 'os.link', 'os.kill', 'subprocess.', 'socket.')


def _image(path):
    for exif in (False, True):
        LoadImage(exif).transform(dict(img_path=path))


def _mask(path):
    png_size(path)
    LoadLabels().transform(
        dict(tasks=('seg', ), seg_map_path=path, ori_shape=(40, 60),
             seg_lut=TABLE))


def _coloured_mask(path):
    LoadLabels().transform(
        dict(tasks=('seg', ), seg_map_path=path, ori_shape=(40, 60),
             seg_colours=COLOURS))


def _xml(path):
    scan_voc_xml(path)
    read_voc_xml(path)


def _folder(path, **kwargs):
    folder = Path(path).parent / 'images'
    FolderDataset(
        str(folder), tasks=('det', ), classes=dict(det=('cat', 'dog')),
        part='train', **kwargs).full_init()


def _coco(path):
    scan_coco(path)
    read_coco(path)
    _folder(path, boxes=path)


def _checkpoint(path):
    state_dict_of(load_file(path))
    publish_checkpoint(path, Path(path).parent / 'published' / 'x.pth')


def _vehicles(path):
    """Either reader takes the other's lines for broken."""
    try:
        read_single(path)
    except UserError:
        read_joint(path)


def _check(path):
    """What tools/check_data.py does with any file."""
    examine(
        Item(path, ('det', 'seg'), xml=path, mask=path, table=TABLE),
        Rules(dict(cat=0), dict(det=('cat', ), seg=('x', ))))
    data = Path(path).read_bytes()
    assert picture_size(data) or True


#: Name → (what it reads, the file's ending, files to start from).
READERS = {
    'xml': (_xml, '.xml', corpus.xmls),
    'id list': (read_ids, '.txt', corpus.lists),
    'image': (_image, '.jpg', corpus.images),
    'mask': (_mask, '.png', corpus.masks),
    'coloured mask': (_coloured_mask, '.png', corpus.masks),
    'SBD mask': (read_sbd_mask, '.mat', corpus.mats),
    'COCO json': (_coco, '.json', corpus.cocos),
    'predictions': (lambda path: SavedPredictions([path]), '.json',
                    corpus.predictions),
    'checkpoint': (_checkpoint, '.pth', corpus.checkpoints),
    'matrix': (read_matrix, '.yaml', corpus.matrices),
    'VEDAI': (_vehicles, '.txt', corpus.vehicles),
    'check_data': (_check, '.any', lambda: [
        *corpus.xmls(), *corpus.masks(), *corpus.lists()]),
}


class Watch:
    """What was opened while a reader ran, beside what it may open."""

    def __init__(self, root):
        self.allowed = tuple(
            os.path.realpath(p) + os.sep
            for p in (root, sys.prefix, sys.base_prefix, '/usr', '/proc',
                      '/sys', ROOT / 'mmmultas',
                      Path(np.__file__).parents[1]))
        self.on, self.seen = False, []
        sys.addaudithook(self._note)

    def __enter__(self):
        self.on, self.seen = True, []

    def __exit__(self, *error):
        self.on = False

    def _note(self, event, args):
        if not self.on:
            return
        if event == 'open' and isinstance(args[0], str | bytes | Path):
            path = os.path.realpath(os.fsdecode(args[0]))
            if not path.startswith(self.allowed) and path != '/dev/null':
                self.seen.append(f'opened {path}')
        elif event.startswith(NEVER):
            self.seen.append(f'{event}{args}'[:200])
        elif event.startswith(IN_PLACE):
            paths = [a for a in args if isinstance(a, str | bytes | Path)]
            if not all((os.path.realpath(os.fsdecode(p)) + os.sep).startswith(
                    self.allowed) for p in paths):
                self.seen.append(f'{event}{args}'[:200])


def read_one(name, path, watch):
    """'' for success, 'error' for a clear one, else what went wrong."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start = time.monotonic()
    said = ''
    try:
        with warnings.catch_warnings(), np.errstate(all='ignore'), watch:
            warnings.simplefilter('ignore')
            READERS[name][0](path)
    except UserError as error:
        text = str(error)
        said = 'error'
        if str(Path(path).parent) not in text or '\n' in text.strip() \
                or len(text) > LETTERS:
            said = f'unclear: {text[:300]!r}'
    except BaseException as error:
        last, line = list(traceback.walk_tb(error.__traceback__))[-1]
        said = (f'{type(error).__name__}: {error} '
                f'({Path(last.f_code.co_filename).name}:{line})')[:300]
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    if time.monotonic() - start > SECONDS:
        said = f'slow: {time.monotonic() - start:.0f} s'
    if grown > MEBIBYTES * 1024:
        said = f'memory: {grown / 1024:.0f} MiB'
    return f'outside: {watch.seen[0]}' if watch.seen else said


def make(name, number, seed):
    """File ``number`` of a reader: first the seeds as they are."""
    files = _seeds(name)
    if number < len(files):
        return files[number]
    rng = random.Random(f'{seed} {name} {number}')
    data = rng.choice(files)
    # the large ones are there for their size, not to be spoilt
    return corpus.spoil(data[:2**20], rng)


def _seeds(name):
    return _made(READERS[name][2])


@functools.cache
def _made(corpus_of):
    return corpus_of()


def smaller(name, data, said, path, watch, seconds=5):
    """Cut pieces out as long as the same thing goes wrong."""
    kind, size = said.split(':')[0], max(len(data) // 2, 1)
    end = time.monotonic() + seconds
    while size and time.monotonic() < end:
        place = 0
        while place < len(data) and time.monotonic() < end:
            trial = data[:place] + data[place + size:]
            Path(path).write_bytes(trial)
            if read_one(name, path, watch).split(':')[0] == kind:
                data = trial
            else:
                place += size
        size //= 2
    return data


def _work(jobs, seed, root, pipe):
    """In a child: a crash takes it along, not the whole campaign."""
    if not os.environ.get('FUZZ_NOISE'):
        # libpng, libtiff and OpenCV talk about every broken file
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    watch = Watch(root)
    for name, number in jobs:
        path = os.path.join(root, f'file{READERS[name][1]}')
        data = make(name, number, seed)
        Path(path).write_bytes(data)
        said = read_one(name, path, watch)
        if said not in ('', 'error') and not said.startswith('memory'):
            data = smaller(name, data, said, path, watch)
        pipe.send((said, data if said not in ('', 'error') else b''))
    pipe.close()


def campaign(jobs, seed, root, say=lambda done: None):
    """Yield (reader, number, what happened, the file if it is a failure)."""
    folder = Path(root) / 'images'
    for stem in ('a', 'sub/b'):
        (folder / stem).parent.mkdir(parents=True, exist_ok=True)
        (folder / f'{stem}.jpg').touch()
    context = multiprocessing.get_context('fork')
    jobs = list(jobs)
    while jobs:
        ours, theirs = context.Pipe(duplex=False)
        child = context.Process(target=_work, args=(jobs, seed, root, theirs))
        child.start()
        theirs.close()
        done = 0
        for name, number in jobs:
            died = 'hang: killed'
            try:
                good = ours.poll(6 * SECONDS)
                said, data = ours.recv() if good else (died, b'')
            except EOFError:
                child.join()
                good = False
                said, data = f'crash: exit code {child.exitcode}', b''
            done += 1
            yield name, number, said, data if good else make(
                name, number, seed)
            if not good:
                break
        child.kill()
        child.join()
        jobs = jobs[done:]


def run(count, seed, out=None, names=tuple(READERS), say=print):
    """Go through ``count`` files; returns the table of outcomes.

    Returns:
        tuple: Counter of (reader, outcome), and the failures.
    """
    jobs = [(names[k % len(names)], k // len(names)) for k in range(count)]
    counts, failures = collections.Counter(), []
    for name in names:
        _seeds(name)  # once, not in every child
    with tempfile.TemporaryDirectory() as root:
        for name, number, said, data in campaign(jobs, seed, root):
            kind = {'': 'success', 'error': 'clear error'}.get(said, 'FAILURE')
            counts[name, kind] += 1
            if kind == 'FAILURE':
                failures.append((name, number, said, data))
                say(f'{name} {number}: {said}')
                if out is not None:
                    Path(out).mkdir(parents=True, exist_ok=True)
                    stem = f'{name.replace(" ", "_")}_{number}'
                    (Path(out) / (stem + READERS[name][1])).write_bytes(data)
    return counts, failures


def main():
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('--count', type=int, default=1000, help='files')
    parser.add_argument('--seed', type=int, default=0)
    parser.add_argument('--out', help='folder for files that fail')
    parser.add_argument('--reader', action='append', choices=READERS)
    args = parser.parse_args()
    names = tuple(args.reader or READERS)
    start = time.monotonic()
    counts, failures = run(args.count, args.seed, args.out, names)
    kinds = ('success', 'clear error', 'FAILURE')
    print(f'{"reader":15s}', *(f'{k:>12s}' for k in kinds))
    for name in (*names, 'all'):
        told = [sum(n for (x, y), n in counts.items()
                    if y == k and name in (x, 'all')) for k in kinds]
        print(f'{name:15s}', *(f'{n:12d}' for n in told))
    print(f'{time.monotonic() - start:.0f} s, seed {args.seed}')
    return 1 if failures else 0


if __name__ == '__main__':
    sys.exit(main())
