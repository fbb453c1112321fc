"""COCO's json: of COCO, Roboflow, Label Studio, CVAT and many others."""
from pathlib import Path, PurePosixPath
from typing import Any

from mmmultas.datasets.coco import scan_coco
from mmmultas.projects.records import LabelSet, Opened, Picture, Thing

from .base import Format, load_json, near

__all__ = ['COCO']

_KEYS = ('images', 'annotations', 'categories')


def _open(path: Path) -> Opened | None:
    if path.is_dir():
        path = path / '_annotations.coco.json'  # as Roboflow writes it
    if path.suffix.lower() != '.json' or not path.is_file():
        return None
    content = load_json(path)
    if not isinstance(content, dict) or not all(
            isinstance(content.get(key), list) for key in _KEYS):
        return None
    coco, problems = scan_coco(path)
    found, others = scan_coco(path, anywhere=True)
    inside = len(found.images) == len(coco.images)
    if not inside:  # absolute paths, which the data set does not follow
        coco, problems = found, others

    def read(_: Any, task: str) -> LabelSet:
        if task == 'seg':
            return LabelSet(coco.classes, _with_shapes(content), problems)
        pictures = [
            Picture(i.file_name, i.size, tuple(
                Thing(b.name, b.bbox, ignore=b.ignore) for b in i.boxes))
            for i in coco.images
        ]
        return LabelSet(coco.classes, pictures, problems)

    return Opened('COCO json', str(path), [i.file_name for i in coco.images],
                  near(path), read, in_place=inside, gives=('det', 'seg'))


def _with_shapes(content: Any) -> list[Picture]:
    names = {c.get('id'): str(c.get('name')) for c in content['categories']}
    shapes: dict[Any, list[Thing]] = {}
    for entry in content['annotations']:
        name = names.get(entry.get('category_id'))
        if name is not None:
            shapes.setdefault(entry.get('image_id'), []).append(
                Thing(name, None, entry.get('segmentation') or None,
                      bool(entry.get('iscrowd'))))
    return [
        Picture(
            _inside(str(image.get('file_name', ''))),
            (image['height'], image['width']) if image.get('height') and
            image.get('width') else None,
            tuple(shapes.get(image.get('id'), ())))
        for image in content['images']
    ]


def _inside(name: str) -> str:
    """A file name as :func:`scan_coco` has it, with ``anywhere``."""
    path = PurePosixPath(name.replace('\\', '/'))
    out = path.is_absolute() or '..' in path.parts
    return path.name if out else str(path)


COCO = Format('COCO json', 'with images, annotations and categories',
              ('det', 'seg'), _open)
