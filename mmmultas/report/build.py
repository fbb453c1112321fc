"""Put a report together and write it."""
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mmmultas.utils.checkpoint import atomic_path

from .blocks import Gallery, Report, Skipped
from .cams import cam_blocks
from .classes import classes_section, mistakes_section
from .collect import Collection, collect
from .curves import (balance_section, conflict_section, curves_section,
                     read_curves)
from .further import further_section, judge_further
from .markdown import to_markdown
from .page import to_html
from .pictures import pictures_section
from .tables import main_section, summary_section
from .tested import judge_runs

__all__ = ['ReportOptions', 'cut_to', 'make_report', 'write_report']

#: Bytes of pictures and charts on the page.
LIMIT = 6_000_000


@dataclass(frozen=True)
class ReportOptions:
    """What a report shows.

    Attributes:
        matrix: The matrix's file.
        results: Folder with further results.
        title: Heading instead of the matrix's.
        max_pictures: Images shown with predictions.
        cam: Whether Grad-CAM is computed, which needs the checkpoints.
    """
    matrix: str | Path | None = None
    results: str | Path | None = None
    title: str | None = None
    max_pictures: int = 6
    cam: bool = True


def make_report(data: Collection, options: ReportOptions) -> Report:
    """All sections of the page."""
    logged, absent = read_curves(data)
    tested = judge_runs(data)
    pictures, pair, images = pictures_section(data, tested,
                                              options.max_pictures)
    if pair is not None and options.cam:
        pictures.blocks += cam_blocks(pair, images,
                                      tested.truths[pair.multi.name])
    elif pair is not None:
        pictures.blocks.append(Skipped('Grad-CAM was not asked for.'))
    further = further_section(data, judge_further(data),
                              min(options.max_pictures, 3))
    balance = balance_section(data, logged)
    sections = [
        summary_section(data),
        main_section(data),
        curves_section(data, logged, absent),
        classes_section(data, tested),
        pictures,
        mistakes_section(data, tested),
        *([further] if further else []),
        *([balance] if balance else []),
        conflict_section(data, logged),
    ]
    return Report(data.title, time.strftime('Written on %Y-%m-%d.'), sections)


def cut_to(report: Report, limit: int) -> None:
    """Leave the last pictures out, where all of them are too much.

    Args:
        report: The page; says what it lacks.
        limit: Bytes of all pictures, as text, and charts.
    """
    excess = sum(map(_bytes, _galleries(report))) - limit
    for section in reversed(report.sections):
        cut = 0
        for place in reversed(range(len(section.blocks))):
            block = section.blocks[place]
            if excess > 0 and isinstance(block, Gallery):
                excess -= _bytes(block)
                del section.blocks[place]
                cut += len(block.panels)
        if cut:
            section.blocks.append(Skipped(
                f'{cut} pictures and charts are cut here: the page would be '
                f'larger than {limit / 1e6:g} MB.'))


def _galleries(report: Report) -> list[Gallery]:
    return [block for section in report.sections for block in section.blocks
            if isinstance(block, Gallery)]


def _bytes(gallery: Gallery) -> int:
    return sum(4 * len(panel.jpeg) // 3 + len(panel.svg)
               for panel in gallery.panels)


def write_report(work_dirs: Sequence[str | Path], out: str | Path,
                 options: ReportOptions | None = None) -> list[Path]:
    """Write ``index.html`` and ``report.md``.

    Args:
        work_dirs: Folders of a matrix, or of single trainings.
        out: The folder; made where it is missing.
        options: What is shown.

    Returns:
        list: The files.

    Raises:
        DataError: A folder holds nothing to report.
        ConfigError: The matrix's file cannot be read.
    """
    options = options or ReportOptions()
    data = collect(work_dirs, options.matrix, options.results, options.title)
    report = make_report(data, options)
    cut_to(report, LIMIT)
    folder = Path(out)
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for name, text in (('index.html', to_html(report)),
                       ('report.md', to_markdown(report))):
        with atomic_path(folder / name) as part:
            part.write_text(text, encoding='utf-8')
        written.append(folder / name)
    return written
