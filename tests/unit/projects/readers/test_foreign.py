import json

import pytest

from mmmultas.projects.readers.foreign import foreign_form


@pytest.mark.parametrize('name, content, words', [
    ('a.zip', '', 'archive: unpack it'),
    ('a.csv', '', 'table'),
    ('a.tfrecord', '', 'TensorFlow'),
    ('a.mat', '', 'is a .mat: export them as COCO'),
    ('a.json', '{', 'no usable json'),
    ('a.json', [dict(id=1, annotations=[])], "Label Studio's own json"),
    ('a.json', [dict(image_id=1, bbox=[])], 'list of results'),
    ('a.json', dict(_via_img_metadata={}), "VIA's project"),
    ('a.json', dict(shapes=[]), 'give the folder'),
    ('a.json', dict(images=[], categories=[]), "no list 'annotations'"),
    ('a.json', dict(frames=[]), 'another form (it has frames)'),
])
def test_what_a_file_is(tmp_path, name, content, words):
    path = tmp_path / name
    path.write_text(content if isinstance(content, str) else
                    json.dumps(content))
    assert words in foreign_form(path)


def test_what_a_folder_holds(tmp_path):
    assert 'empty folder' in foreign_form(tmp_path)
    for name in ('a.jpg', 'b.jpg', 'sub/c.json'):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    told = foreign_form(tmp_path)
    assert '2 .jpg, 1 .json' in told and 'c.json meant?' in told
