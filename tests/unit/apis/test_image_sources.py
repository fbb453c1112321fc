import cv2
import numpy as np
import pytest

from mmmultas.apis.image_sources import Video, image_sources, is_video
from mmmultas.utils.errors import DataError


def _picture(path, value=9):
    image = np.full((8, 12, 3), value, np.uint8)
    cv2.imwrite(str(path), image)
    return image


def test_files_folders_arrays_and_lists_of_them(tmp_path):
    for name in ('b.png', 'a.JPG', 'note.txt'):
        _picture(tmp_path / name) if name != 'note.txt' else (
            tmp_path / name).write_text('no picture')
    (tmp_path / 'inner.png').mkdir()
    names = [s.path.name for s in image_sources(tmp_path)]
    assert names == ['a.JPG', 'b.png']
    array = np.zeros((4, 5, 3), np.uint8)
    mixed = image_sources([str(tmp_path / 'b.png'), array])
    assert mixed[0].path.name == 'b.png' and mixed[0].image is None
    assert mixed[1].path is None and mixed[1].image is array


@pytest.mark.parametrize('given, word', [
    ('nowhere.jpg', 'nowhere.jpg does not exist'),
    (np.zeros((4, 5), np.uint8), r'\(4, 5\) uint8'),
    (np.zeros((4, 5, 3)), 'float64'),
    (np.zeros((0, 5, 3), np.uint8), r'\(0, 5, 3\)'),
    (7, 'not a int'),
])
def test_what_is_no_picture(given, word):
    with pytest.raises(DataError, match=word):
        image_sources(given)


def test_empty_folder(tmp_path):
    with pytest.raises(DataError, match='holds no pictures'):
        image_sources(tmp_path)


def test_pictures_in_folders_below_are_named(tmp_path):
    for name in 'dcab':
        (tmp_path / name / 'in').mkdir(parents=True)
        _picture(tmp_path / name / 'in/x.png')
    with pytest.raises(DataError, match=f'do: name these, {tmp_path}/a/in '
                       rf'{tmp_path}/b/in {tmp_path}/c/in \(and 1 more\)'):
        image_sources(tmp_path)
    with pytest.raises(DataError, match=f'do: name that, {tmp_path}/a/in.$'):
        image_sources(tmp_path / 'a')


def test_frames_of_a_video(tmp_path):
    path = tmp_path / 'clip.mp4'
    writer = cv2.VideoWriter(
        str(path), cv2.VideoWriter_fourcc(*'mp4v'), 10, (32, 24))
    for value in (0, 100, 200):
        writer.write(np.full((24, 32, 3), value, np.uint8))
    writer.release()
    video = Video(path)
    assert is_video(str(path)) and not is_video('clip.png')
    assert len(video) == 3 and video.fps == 10
    frames = list(video)
    assert [f.frame for f in frames] == [0, 1, 2]
    assert frames[2].image.shape == (24, 32, 3)
    assert abs(int(frames[2].image.mean()) - 200) < 10


def test_what_is_no_video(tmp_path):
    path = tmp_path / 'clip.mp4'
    with pytest.raises(DataError, match='does not exist'):
        Video(path)
    path.write_bytes(b'no video')
    with pytest.raises(DataError, match='clip.mp4 is no video'):
        Video(path)
