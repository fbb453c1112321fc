"""What a report consists of, before it becomes HTML or Markdown."""
from collections.abc import Sequence
from dataclasses import dataclass, field

__all__ = [
    'Block', 'Bullets', 'Entry', 'Gallery', 'Legend', 'Panel', 'Report',
    'Section', 'Skipped', 'Table', 'Text'
]


@dataclass(frozen=True)
class Text:
    """A paragraph.

    Attributes:
        text: Plain text; what is special in HTML is escaped later.
        kind: ``'plain'``, ``'note'`` (a box) or ``'head'`` (a heading).
    """
    text: str
    kind: str = 'plain'


@dataclass(frozen=True)
class Skipped:
    """Why something is not there, one sentence."""
    why: str


@dataclass(frozen=True)
class Bullets:
    """A list of sentences."""
    items: Sequence[str]


@dataclass(frozen=True)
class Entry:
    """A cell of a table.

    Attributes:
        text: What it says.
        best: The best of its column.
        mood: ``'up'``, ``'down'`` or ``''``: better or worse than a
            baseline.
        shade: Depth of the background in [0, 1].
        colour: Number of the series that it names, with a swatch.
    """
    text: str
    best: bool = False
    mood: str = ''
    shade: float = 0.0
    colour: int | None = None


@dataclass(frozen=True)
class Table:
    """A table; the first column names the row.

    Attributes:
        header: A name per column.
        rows: Entries per row.
        notes: Sentences below it.
        groups: Titles above the header and how many columns each spans.
        fold: Hidden in HTML behind this title, until it is opened.
    """
    header: Sequence[str]
    rows: Sequence[Sequence[Entry]]
    notes: Sequence[str] = ()
    groups: Sequence[tuple[str, int]] = ()
    fold: str = ''


@dataclass(frozen=True)
class Legend:
    """Names of the series: (name, number of the series)."""
    names: Sequence[tuple[str, int]]


@dataclass(frozen=True)
class Panel:
    """A chart or a picture.

    Attributes:
        title: Above it.
        svg: Inline SVG, already escaped; or
        jpeg: An encoded picture.
        caption: Below it.
    """
    title: str
    svg: str = ''
    jpeg: bytes = b''
    caption: str = ''


@dataclass(frozen=True)
class Gallery:
    """Panels beside each other, as many as fit.

    Attributes:
        panels: The panels.
        title: Above them.
        caption: Below them.
        width: Smallest width of a panel in pixels.
        swatches: (name, RGB) of colours in the panels.
        fold: Hidden in HTML behind this title, until it is opened.
    """
    panels: Sequence[Panel]
    title: str = ''
    caption: str = ''
    width: int = 300
    swatches: Sequence[tuple[str, tuple[int, int, int]]] = ()
    fold: str = ''


Block = Text | Skipped | Bullets | Table | Legend | Gallery


@dataclass
class Section:
    """A part of the page with a heading."""
    title: str
    blocks: list[Block] = field(default_factory=list)

    @property
    def anchor(self) -> str:
        """Its name in links.

        Example:
            >>> Section('Learning curves').anchor
            'learning-curves'
        """
        return '-'.join(self.title.lower().split())


@dataclass
class Report:
    """The page.

    Attributes:
        title: Heading.
        lead: Sentence below it.
        sections: Its parts.
    """
    title: str
    lead: str
    sections: list[Section]
