import pytest

from mmmultas.projects.readers import open_labels
from mmmultas.testing import SHAPES, ShapeFolder


@pytest.fixture
def kit(tmp_path):
    return ShapeFolder(tmp_path, 3)


@pytest.fixture
def read(kit):
    """Read labels at a path; images are those of the kit."""
    images = {n: str(kit.root / f'images/{n}.png') for n in kit.names}

    def reader(path, task='det'):
        opened = open_labels(str(path), task)
        return opened, opened.read(images, task)

    return reader


@pytest.fixture
def same_boxes(kit):
    """Compare boxes with those that were drawn, within a tolerance."""

    def compare(labels, tolerance=0.01, names=None):
        assert [p.file_name for p in labels.pictures] == (
            names or kit.names), labels
        for picture, name in zip(labels.pictures, kit.names):
            drawn = [(SHAPES[label], box) for label, box in kit.boxes[name]]
            assert [t.name for t in picture.things] == [n for n, _ in drawn]
            for thing, (_, box) in zip(picture.things, drawn):
                assert thing.bbox == pytest.approx(box, abs=tolerance)

    return compare
