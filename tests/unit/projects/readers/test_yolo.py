import pytest

from mmmultas.projects.readers import open_labels
from mmmultas.testing import SHAPES
from mmmultas.testing.label_files import write_yolo


@pytest.mark.parametrize('place', ['labels', '', 'data.yaml'])
def test_boxes_and_names(kit, read, same_boxes, place):
    write_yolo(kit)
    opened, labels = read(kit.root / place)
    assert not opened.in_place and labels.classes == SHAPES
    assert kit.root / 'images' in opened.places
    same_boxes(labels)
    assert not labels.problems


def test_polygons(kit, read, same_boxes):
    _, labels = read(write_yolo(kit, polygons=True), 'seg')
    same_boxes(labels, tolerance=1.5)
    assert labels.has_shapes


@pytest.mark.parametrize('each', [2, 3])
def test_keypoints_are_no_polygons(kit, read, same_boxes, each):
    path = write_yolo(kit)
    with open(kit.root / 'data.yaml', 'a') as file:
        file.write(f'kpt_shape: [4, {each}]\n')
    for text in path.glob('*.txt'):
        lines = [line + ' 0.01 0.99 2'[:10 + 2 * (each - 2)] * 4
                 for line in text.read_text().splitlines()]
        text.write_text('\n'.join(lines))
    _, labels = read(path)
    same_boxes(labels)
    assert not labels.problems and 'keypoints' in labels.facts[0]


def test_names_that_nobody_wrote(kit, read):
    path = write_yolo(kit)
    (kit.root / 'data.yaml').unlink()
    labels = read(path)[1]
    assert labels.classes == ('class_0', 'class_1', 'class_2')
    assert 'no names: write them into' in labels.facts[0]
    (kit.root / 'classes.txt').write_text('a\nb\nc\n')
    assert read(path)[1].classes == ('a', 'b', 'c')
    (kit.root / 'classes.txt').write_text('a\nb\n')
    labels = read(path)[1]
    assert labels.classes == ('a', 'b', 'class_2')
    assert 'class number 2, but its list of names ends with 1 (b)' in (
        labels.problems[0].reason)


def test_lines_that_cannot_be_read(kit, read):
    path = write_yolo(kit)
    with open(path / 'im00.txt', 'a') as file:
        file.write('0 0.5 0.5 0.1\n1 40 20 9 9\nx 0.5 0.5 0.1 0.1\n')
    _, labels = read(path)
    told = [p.reason for p in labels.problems]
    assert len(told) == 3 and len(labels.pictures[0].things) == 2
    assert "'0 0.5 0.5 0.1' in line 3" in told[0]
    assert 'line 4, which is not in shares of the image' in told[1]
    assert labels.problems[1].kind == 'units'


def test_an_empty_file_is_an_image_without_objects(kit, read):
    (write_yolo(kit) / 'im01.txt').write_text('')
    assert not read(kit.root / 'labels')[1].pictures[1].things


def test_other_texts_are_not_yolo(kit):
    for name in kit.names:
        kit.path(f'notes/{name}.txt').write_text('a note\n')
    assert open_labels(str(kit.root / 'notes'), 'det') is None
