"""Small 3D scenes with five kinds of labels, drawn without a download.

A room with boxes, balls and cylinders on its floor is ray-cast in NumPy:
depth, surface normals, classes, boxes and edges are exact. Surfaces carry
parts of the two photographs in scikit-learn's package; training takes their
left halves and validation the right ones, and sizes, cameras and lights of
validation are other ones, too.
"""
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from mmmultas.utils.errors import DataError
from mmmultas.utils.progress import progress

__all__ = ['CLASSES', 'THINGS', 'Scene', 'SceneMaker', 'write_scenes']

CLASSES = ('floor', 'wall', 'box', 'sphere', 'cylinder')
THINGS = ('box', 'sphere', 'cylinder')
SIZE = (96, 128)
#: Focal length in pixels.
FOCAL = 110.0
#: Things of fewer pixels have no box.
MIN_PIXELS = 24
#: Sizes of things in metres; none is in both parts.
SIZES = dict(train=(.25, .55), val=(.56, .75))
Array = NDArray[np.float64]


@dataclass
class Scene:
    """A picture and its labels.

    Attributes:
        image: (96, 128, 3) uint8, RGB.
        depth: (96, 128) float32, metres along the view.
        normals: (96, 128, 3) float32, x right, y down, z forward, facing
            the camera.
        classes: (96, 128) uint8, numbers of :data:`CLASSES`.
        edges: (96, 128) uint8, 1 where another surface begins.
        boxes: (number of the thing, xyxy) of all visible ones.
    """
    image: NDArray[np.uint8]
    depth: NDArray[np.float32]
    normals: NDArray[np.float32]
    classes: NDArray[np.uint8]
    edges: NDArray[np.uint8]
    boxes: list[tuple[int, tuple[int, int, int, int]]]


@dataclass(frozen=True)
class _Camera:
    """Where the picture is taken from.

    Attributes:
        place: (3,) in the room: right, down, forward; the floor is y = 0.
        axes: (3, 3): the camera's right, down and forward.
        rays: (H, W, 3) of length 1.
    """
    place: Array
    axes: Array
    rays: Array


@dataclass
class _Hits:
    """The nearest surface of every ray so far."""
    distance: Array
    normal: Array
    surface: NDArray[np.int64]
    uv: Array
    #: Class and thing (or -1) of each surface.
    made_of: list[tuple[int, int]] = field(default_factory=list)

    def add(self, distance: Array, normal: Array, uv: Array, kind: int,
            thing: int = -1) -> None:
        """Let a surface hide what is behind it; no hit is infinite."""
        nearer = (distance > 1e-6) & (distance < self.distance)
        self.distance = np.where(nearer, distance, self.distance)
        self.surface = np.where(nearer, len(self.made_of), self.surface)
        self.normal = np.where(nearer[..., None], normal, self.normal)
        self.uv = np.where(nearer[..., None], uv, self.uv)
        self.made_of.append((kind, thing))


class SceneMaker:
    """Draws the scenes of one part.

    Args:
        part: ``'train'`` or ``'val'``.

    Raises:
        DataError: scikit-learn is not installed.
    """

    def __init__(self, part: str) -> None:
        try:
            from sklearn.datasets import load_sample_images
        except ImportError as error:
            raise DataError('The photographs come with scikit-learn, which '
                            'is not installed: pip install '
                            'scikit-learn.') from error
        self.part = part
        photos = [np.asarray(p) for p in load_sample_images().images]
        middle = photos[0].shape[1] // 2
        side = slice(0, middle) if part == 'train' else slice(middle, None)
        self.photos = [photo[:, side] for photo in photos]

    def scene(self, number: int) -> Scene:
        """Scene ``number``: the same one whenever it is asked for."""
        rng = np.random.default_rng([self.part == 'val', number])
        camera = _camera(rng, self.part)
        shape = camera.rays.shape[:2]
        hits = _Hits(np.full(shape, np.inf), np.zeros((*shape, 3)),
                     np.zeros(shape, np.int64), np.zeros((*shape, 2)))
        _add_room(hits, camera, rng)
        for thing in range(int(rng.integers(2, 6))):
            _add_thing(hits, camera, rng, thing, SIZES[self.part])
        made = np.array(hits.made_of)
        away = (hits.normal * camera.rays).sum(-1, keepdims=True) > 0
        normal = np.where(away, -hits.normal, hits.normal)
        depth = hits.distance * (camera.rays @ camera.axes[2])
        return Scene(
            self._shaded(hits, normal, rng), depth.astype(np.float32),
            (normal @ camera.axes.T).astype(np.float32),
            made[hits.surface, 0].astype(np.uint8), _borders(hits.surface),
            _boxes(made[hits.surface, 1], hits.made_of))

    def _shaded(self, hits: _Hits, normal: Array,
                rng: np.random.Generator) -> NDArray[np.uint8]:
        """Textures under a light from above."""
        light = rng.normal(size=3) + (0, -2, 0)
        light /= np.linalg.norm(light)
        shade = .65 + .35 * (normal @ light).clip(0)
        colour = np.zeros((*SIZE, 3))
        for surface in range(len(hits.made_of)):
            photo = self.photos[rng.integers(len(self.photos))]
            start, tint = rng.integers(0, 999, 2), rng.uniform(.7, 1, 3)
            inside = hits.surface == surface
            u, v = (hits.uv[inside] * 90 + start).astype(int).T
            colour[inside] = photo[v % photo.shape[0],
                                   u % photo.shape[1]] * tint
        noise = rng.normal(0, 3, colour.shape)
        shaded = colour * shade[..., None] + noise
        return shaded.clip(0, 255).astype(np.uint8)


def _camera(rng: np.random.Generator, part: str) -> _Camera:
    low, high = (.8, 1.5) if part == 'train' else (1.5, 1.8)
    place = np.array([rng.uniform(-.6, .6), -rng.uniform(low, high), 0.])
    yaw, pitch = rng.uniform(-.5, .5), rng.uniform(.15, .5)
    forward = np.array([np.sin(yaw) * np.cos(pitch), np.sin(pitch),
                        np.cos(yaw) * np.cos(pitch)])
    right = np.array([np.cos(yaw), 0, -np.sin(yaw)])
    axes = np.stack([right, np.cross(forward, right), forward])
    y, x = np.mgrid[:SIZE[0], :SIZE[1]] + .5
    local = np.stack([(x - SIZE[1] / 2) / FOCAL, (y - SIZE[0] / 2) / FOCAL,
                      np.ones(SIZE)], -1)
    rays = local @ axes
    rays /= np.linalg.norm(rays, axis=-1, keepdims=True)
    return _Camera(place, axes, rays)


def _plane(camera: _Camera, axis: int, at: float) -> tuple[Array, Array]:
    """Distance to the plane where a coordinate is ``at``, and the points."""
    speed = camera.rays[..., axis]
    with np.errstate(divide='ignore', invalid='ignore'):
        distance = (at - camera.place[axis]) / speed
    distance = np.where(np.isfinite(distance) & (distance > 0), distance,
                        np.inf)
    finite = np.where(np.isfinite(distance), distance, 0)
    return distance, camera.place + camera.rays * finite[..., None]


def _add_room(hits: _Hits, camera: _Camera,
              rng: np.random.Generator) -> None:
    """A floor, four walls and a ceiling, which is a wall as well."""
    half, far = rng.uniform(1.5, 2.5), rng.uniform(4, 6)
    high = rng.uniform(2.2, 2.8)
    for axis, at in ((1, 0.), (1, -high), (0, -half), (0, half), (2, far),
                     (2, -1.)):
        distance, points = _plane(camera, axis, at)
        others = [i for i in range(3) if i != axis]
        hits.add(distance, np.eye(3)[axis], points[..., others],
                 CLASSES.index('floor' if axis == 1 and at == 0 else 'wall'))


def _add_thing(hits: _Hits, camera: _Camera, rng: np.random.Generator,
               thing: int, sizes: tuple[float, float]) -> None:
    """A box, ball or cylinder that stands on the floor."""
    kind = THINGS[rng.integers(3)]
    size = rng.uniform(*sizes)
    ground = np.array([rng.uniform(-1.2, 1.2), 0, rng.uniform(1.6, 3.6)])
    number = CLASSES.index(kind)
    if kind == 'sphere':
        _add_round(hits, camera, ground - (0, size / 2, 0), size / 2, None,
                   number, thing)
    elif kind == 'cylinder':
        high = size * rng.uniform(.8, 1.8)
        _add_round(hits, camera, ground, size / 2, high, number, thing)
    else:
        _add_box(hits, camera, ground, size * rng.uniform(.7, 1.2, 3),
                 rng.uniform(0, np.pi), number, thing)


def _add_round(hits: _Hits, camera: _Camera, centre: Array, radius: float,
               high: float | None, number: int, thing: int) -> None:
    """A ball, or the side and the top of an upright cylinder."""
    axes = [0, 1, 2] if high is None else [0, 2]
    ray, start = camera.rays[..., axes], (camera.place - centre)[axes]
    a = (ray**2).sum(-1)
    b = (ray * start).sum(-1)
    inside = b * b - a * (start @ start - radius**2)
    near = np.where(inside > 0, (-b - np.sqrt(inside.clip(0))) / a, np.inf)
    finite = np.where(np.isfinite(near), near, 0)
    points = camera.place + camera.rays * finite[..., None]
    normal = np.zeros_like(points)
    normal[..., axes] = (points - centre)[..., axes] / radius
    around = np.arctan2(normal[..., 0], normal[..., 2]) * radius
    if high is not None:
        up = -points[..., 1]
        near = np.where((up >= 0) & (up <= high), near, np.inf)
        distance, top = _plane(camera, 1, -high)
        flat = ((top - centre)[..., [0, 2]]**2).sum(-1) <= radius**2
        hits.add(np.where(flat, distance, np.inf), np.eye(3)[1],
                 top[..., [0, 2]], number, thing)
    hits.add(near, normal, np.stack([around, points[..., 1]], -1), number,
             thing)


def _add_box(hits: _Hits, camera: _Camera, ground: Array, size: Array,
             angle: float, number: int, thing: int) -> None:
    """The faces of a box that is turned about the upright."""
    turn = np.array([[np.cos(angle), 0, -np.sin(angle)], [0, 1, 0],
                     [np.sin(angle), 0, np.cos(angle)]])
    local = _Camera(turn @ (camera.place - ground), camera.axes,
                    camera.rays @ turn.T)
    low = np.array([-size[0] / 2, -size[1], -size[2] / 2])
    high = np.array([size[0] / 2, 0, size[2] / 2])
    for axis in range(3):
        others = [i for i in range(3) if i != axis]
        for at in (low[axis], high[axis]):
            distance, points = _plane(local, axis, at)
            within = ((points >= low - 1e-9) & (points <= high + 1e-9))
            hits.add(
                np.where(within[..., others].all(-1), distance, np.inf),
                turn[axis], points[..., others], number, thing)


def _borders(surface: NDArray[np.int64]) -> NDArray[np.uint8]:
    """1 where the pixel to the right or below is of another surface."""
    edges = np.zeros(surface.shape, np.uint8)
    edges[:, :-1] |= surface[:, 1:] != surface[:, :-1]
    edges[:-1] |= surface[1:] != surface[:-1]
    return edges


def _boxes(things: NDArray[np.int64], made_of: Sequence[tuple[int, int]]
           ) -> list[tuple[int, tuple[int, int, int, int]]]:
    """Boxes around the visible pixels of each thing."""
    kinds = {thing: kind for kind, thing in made_of}
    found = []
    for thing in np.unique(things[things >= 0]).tolist():
        y, x = np.nonzero(things == thing)
        if len(y) >= MIN_PIXELS:
            number = THINGS.index(CLASSES[kinds[thing]])
            found.append((number, (int(x.min()), int(y.min()),
                                   int(x.max()) + 1, int(y.max()) + 1)))
    return found


def write_scenes(root: str | Path, train: int = 1600, val: int = 200) -> Path:
    """Write both parts as folders of own data.

    ``images``, ``classes``, ``depth`` (16-bit millimetres), ``normals`` and
    ``edges`` hold PNGs, ``boxes.json`` the boxes as of COCO, ``train.txt``
    and ``val.txt`` the names. What is there already is kept.

    Args:
        root: Folder.
        train: Training scenes.
        val: Validation scenes.

    Raises:
        DataError: scikit-learn is not installed.
    """
    root = Path(root)
    names = {part: [f'{part}_{i:04d}' for i in range(count)]
             for part, count in (('train', train), ('val', val))}
    lists = {part: '\n'.join(own) + '\n' for part, own in names.items()}
    if all((root / f'{part}.txt').is_file()
           and (root / f'{part}.txt').read_text() == text
           for part, text in lists.items()):
        return root
    for folder in ('images', 'classes', 'depth', 'normals', 'edges'):
        (root / folder).mkdir(parents=True, exist_ok=True)
    coco: dict[str, Any] = dict(
        images=[], annotations=[],
        categories=[dict(id=k, name=name) for k, name in enumerate(THINGS)])
    makers = {part: SceneMaker(part) for part in names}
    todo = [(part, i, name) for part, own in names.items()
            for i, name in enumerate(own)]
    for part, number, name in progress(todo, what='scenes'):
        scene = makers[part].scene(number)
        _write(root, name, scene)
        _add_to_coco(coco, name, scene)
    (root / 'boxes.json').write_text(json.dumps(coco))
    for part, text in lists.items():  # last: they say that all is there
        (root / f'{part}.txt').write_text(text)
    return root


def _write(root: Path, name: str, scene: Scene) -> None:
    normals = np.rint((scene.normals + 1) * 127.5).astype(np.uint8)
    for folder, values in dict(
            images=scene.image[..., ::-1],
            classes=scene.classes,
            depth=np.rint(scene.depth * 1000).astype(np.uint16),
            normals=normals[..., ::-1],
            edges=scene.edges * 255).items():
        path = root / folder / f'{name}.png'
        if not cv2.imwrite(str(path), values):
            raise DataError(f'{path} cannot be written.')


def _add_to_coco(coco: dict[str, Any], name: str, scene: Scene) -> None:
    number = len(coco['images'])
    coco['images'].append(dict(
        id=number, file_name=f'{name}.png', height=SIZE[0], width=SIZE[1]))
    for thing, (x1, y1, x2, y2) in scene.boxes:
        coco['annotations'].append(dict(
            id=len(coco['annotations']), image_id=number, category_id=thing,
            bbox=[x1, y1, x2 - x1, y2 - y1], area=(x2 - x1) * (y2 - y1),
            iscrowd=0))
