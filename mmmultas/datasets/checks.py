"""Reading the small files of a data set with one clear error each.

Everything here runs before the first epoch. XML files are untrusted: a
DOCTYPE (entity bombs, external entities) is refused and ``<filename>`` is
never followed.
"""
import os
import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from xml.etree import ElementTree

from mmmultas.utils.errors import DataError

from .files import png_header, read_bytes, shown
from .problems import Problem

__all__ = [
    'FARTHEST', 'MAX_CLASS_NAME', 'VOCAnnotation', 'VOCObject', 'check_ids',
    'parse_xml', 'png_size', 'read_ids', 'read_voc_xml', 'require_files',
    'scan_voc_xml'
]

#: Some thousand objects; a tree takes forty times the memory of its file.
_MAX_XML_BYTES = 4 * 2**20
#: Ten million ids; no file name is longer than 255 bytes.
_MAX_LIST_BYTES, _MAX_NAME_BYTES = 2**28, 255
#: Letters; longer ones are no name but an accident.
MAX_CLASS_NAME = 200
#: Pixels; float32 counts exactly up to here.
FARTHEST = 2**24


class _Wrong(ValueError):
    """What is wrong with an XML, and what to do about it."""

    def __init__(self, reason: str, mend: str, kind: str = 'entry') -> None:
        super().__init__(reason)
        self.mend = mend
        self.kind = kind

    def of(self, path: str | os.PathLike[str]) -> Problem:
        """The same as a value."""
        return Problem(str(path), f'cannot be used: {self}', self.mend,
                       self.kind)


@dataclass(frozen=True)
class VOCObject:
    """A ``<bndbox>`` of an ``<object>``: 1-based xyxy as the file has it."""
    name: str
    bbox: tuple[int, int, int, int]
    difficult: bool


@dataclass(frozen=True)
class VOCAnnotation:
    """A parsed XML; ``size`` is (height, width), None where absent."""
    size: tuple[int, int] | None
    objects: list[VOCObject] = field(default_factory=list)


def read_ids(path: str | os.PathLike[str]) -> list[str]:
    """Read an id list: the first column of every line that is not blank.

    CRLF, a byte order mark and trailing columns (VOC's class lists,
    ``id 1``) are tolerated; repeated ids are dropped with a warning.

    Args:
        path: A text file.

    Raises:
        DataError: Missing or empty list, or an id that is no file stem.
    """
    data = read_bytes(path, 'id list', _MAX_LIST_BYTES)
    try:
        text = data.decode('utf-8-sig')
    except UnicodeDecodeError as error:
        raise DataError(f'Cannot read the id list {path} (not UTF-8 '
                        f'text).') from error
    ids = [line.split()[0] for line in text.splitlines() if line.strip()]
    return check_ids(ids, str(path))


def check_ids(ids: Iterable[str], origin: str) -> list[str]:
    """Refuse ids that leave their folder, drop repeated ones.

    Args:
        ids: Image ids: file names without folder and suffix.
        origin: Where they come from, for the message.

    Raises:
        DataError: No ids at all, or one that is no plain file stem.
    """
    listed = [str(i) for i in ids]
    for name in listed:
        if (name.startswith('.') or any(c in name for c in '/\\:')
                or not name.isprintable()
                or len(name.encode()) > _MAX_NAME_BYTES):
            raise DataError(f'{origin} holds {shown(name)}, which is no image '
                            f'id; write file names without folder or suffix.')
    unique = list(dict.fromkeys(listed))
    if not unique:
        raise DataError(f'{origin} is empty; list at least one image id.')
    if len(unique) < len(listed):
        warnings.warn(
            f'{origin}: {len(listed) - len(unique)} repeated ids left out.',
            stacklevel=2)
    return unique


def require_files(folder: str | os.PathLike[str], names: Sequence[str],
                  what: str, origin: str) -> None:
    """Check that ``folder`` holds all of ``names``.

    Args:
        folder: Read once, however many names there are.
        names: File names.
        what: 'image', 'mask' …, for the message.
        origin: Whose list asks for them, for the message.

    Raises:
        DataError: The folder or a file is missing.
    """
    try:
        present = set(os.listdir(folder))
    except OSError as error:
        raise DataError(f'Cannot read the {what} folder {folder} '
                        f'({error.strerror}).') from error
    missing = [name for name in names if name not in present]
    if missing:
        more = f' (and {len(missing) - 1} more)' if missing[1:] else ''
        raise DataError(
            f'{Path(folder) / missing[0]} is missing{more}; add the {what} '
            f'or take its id out of {origin}.')


def png_size(path: str | os.PathLike[str]) -> tuple[int, int]:
    """Read (height, width) from the header of a PNG.

    Raises:
        DataError: Not readable, or no PNG.
    """
    size = png_header(read_bytes(path, 'mask', head=24))
    if size is None:
        raise DataError(f'{path} is no PNG file; masks must be PNGs with '
                        f'class numbers as pixel values.')
    return size


def read_voc_xml(path: str | os.PathLike[str]) -> VOCAnnotation:
    """Parse one annotation of the VOC layout.

    An object with several boxes is as many objects. Where the file tells no
    size, the picture does.

    Raises:
        DataError: Missing, not XML, with a DOCTYPE, or with an object whose
            name or box cannot be read.
    """
    annotation, problems = scan_voc_xml(path)
    if problems:
        raise DataError(str(problems[0]))
    return annotation


def scan_voc_xml(
        path: str | os.PathLike[str]) -> tuple[VOCAnnotation, list[Problem]]:
    """Parse an annotation, going on behind objects that cannot be used.

    Returns:
        tuple: What can be used, and a problem for each thing that cannot.

    Raises:
        DataError: Missing, not XML, or with a DOCTYPE.
    """
    root = parse_xml(path)
    size, objects, problems = None, [], []
    try:
        size = _size(root)
    except _Wrong as error:
        problems.append(error.of(path))
    for node in root.findall('object'):
        try:
            name, boxes = _name(node), node.findall('bndbox')
        except _Wrong as error:
            problems.append(error.of(path))
            continue
        for box in boxes:
            try:
                objects.append(VOCObject(name, _corners(name, box),
                                         _difficult(node)))
            except _Wrong as error:
                problems.append(error.of(path))
    return VOCAnnotation(size, objects), problems


def parse_xml(path: str | os.PathLike[str],
              limit: int = _MAX_XML_BYTES) -> ElementTree.Element:
    """Parse an XML of a stranger.

    Args:
        path: The file.
        limit: Bytes that it may have.

    Raises:
        DataError: Missing, too large, not XML, or with a DOCTYPE.
    """
    data = read_bytes(path, 'annotation', limit)
    try:
        # entities need one; UTF-16 puts \0 between the letters
        if b'<!DOCTYPE' in data.replace(b'\0', b''):
            raise ValueError('a DOCTYPE is not allowed')
        return ElementTree.fromstring(data)
    except (ElementTree.ParseError, ValueError, LookupError) as error:
        raise DataError(f'{path} is no usable XML file ({error}); mend it or '
                        f'take its id out of the list.') from error


def _size(root: ElementTree.Element) -> tuple[int, int] | None:
    node = root.find('size')
    if node is None:
        return None
    width, height = _number(node, 'width'), _number(node, 'height')
    return (height, width) if width > 0 and height > 0 else None


def _name(node: ElementTree.Element) -> str:
    name = (node.findtext('name') or '').strip()
    if not name or node.find('bndbox') is None:
        raise _Wrong('an <object> has no <name> or no <bndbox>',
                     'add it or remove the object')
    if len(name) > MAX_CLASS_NAME:
        raise _Wrong(f'an <object> has the <name> {shown(name)}',
                     'shorten it')
    return name


def _difficult(node: ElementTree.Element) -> bool:
    return (node.findtext('difficult') or '0').strip() not in ('0', '')


def _corners(name: str,
             box: ElementTree.Element) -> tuple[int, int, int, int]:
    texts = [box.findtext(side) for side in ('xmin', 'ymin', 'xmax', 'ymax')]
    x1, y1, x2, y2 = (
        _number(box, side) for side in ('xmin', 'ymin', 'xmax', 'ymax'))
    told = ', '.join(str(text) for text in texts)
    if all(0 <= float(text or 0) <= 1 for text in texts) and any(
            '.' in (text or '') for text in texts):
        raise _Wrong(f'the box of a {name} ({told}) is in shares of the '
                     f'image', 'write pixels: multiply x by the width and y '
                     'by the height', 'units')
    if x2 < x1 or y2 < y1:
        raise _Wrong(f'the box of a {name} is reversed, xmin > xmax or '
                     f'ymin > ymax ({told})', 'swap the two in the file',
                     'box')
    return x1, y1, x2, y2


def _number(node: ElementTree.Element, tag: str) -> int:
    text = node.findtext(tag)
    try:
        # some VOC2012 coordinates have decimals, which mmdet cuts
        number = int(float(text or ''))
    except (ValueError, OverflowError):
        raise _Wrong(f'<{tag}> is {shown(text)}, not a number',
                     'mend the file') from None
    if abs(number) > FARTHEST:
        raise _Wrong(f'<{tag}> is {shown(text)}, where no pixel is',
                     'mend the file')
    return number
