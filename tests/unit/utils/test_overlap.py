import pytest

from mmmultas.utils.overlap import photo_key, shared_photos


@pytest.mark.parametrize('one, other, same', [
    ('d/VOC2007/JPEGImages/000005.jpg',
     'e/VOC2012/JPEGImages/2007_000005.jpg', True),
    ('d/VOC2012/JPEGImages/2008_000005.jpg',
     'e/VOC2012/JPEGImages/2008_000005.jpg', True),
    ('d/VOC2007/JPEGImages/000005.jpg', 'd/mine/000005.jpg', False),
    ('d/train/1.jpg', 'd/val/1.jpg', False),
    ('d/train/1.jpg', 'd/./train/1.jpg', True),
    ('d/VOC2012/JPEGImages/mine.jpg', 'e/VOC2012/JPEGImages/mine.jpg', False),
])
def test_which_files_are_one_photograph(one, other, same):
    assert (photo_key(one) == photo_key(other)) == same


def test_links_of_folders_are_followed(tmp_path):
    (tmp_path / 'real').mkdir()
    (tmp_path / 'link').symlink_to(tmp_path / 'real')
    link, real = (str(tmp_path / d / 'a.jpg') for d in ('link', 'real'))
    assert shared_photos([link, link], [real]) == [(link, real)]
    assert shared_photos([link], [str(tmp_path / 'b.jpg')]) == []
