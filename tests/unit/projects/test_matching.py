import pytest

from mmmultas.projects.matching import Claim, match_masks, match_names, some
from mmmultas.utils.errors import ConfigError, DataError


def test_some():
    assert some([]) == 'none' and some(['a', 'b']) == 'a, b'


@pytest.mark.parametrize('told, images, pairs, exact', [
    (['a.jpg', 'b.jpg'], ['a', 'c'], {'a.jpg': 'a'}, True),
    (['x\\a.jpg'], ['x/a'], {'x\\a.jpg': 'x/a'}, True),
    (['/data/upload/1a2b3c4d-a.jpg', 'b.jpg'], ['a', 'b'],
     {'b.jpg': 'b'}, True),
    (['/data/upload/1a2b3c4d-a.jpg'], ['a'],
     {'/data/upload/1a2b3c4d-a.jpg': 'a'}, False),
    (['my%20a.jpg'], ['my a'], {'my%20a.jpg': 'my a'}, True),
    (['img_1.JPG'], ['IMG_1'], {'img_1.JPG': 'IMG_1'}, False),
    (['x/a.jpg', 'y/a.jpg'], ['a'], {}, False),
    (['a.jpg'], ['x/a', 'y/a'], {}, False),
    (['v1.2'], ['v1'], {'v1.2': 'v1'}, True),
    (['v1.2'], ['v1', 'v1.2'], {'v1.2': 'v1.2'}, True),
    (['a.rf.01', 'a.rf.02'], ['a.rf.01', 'a.rf.02'],
     {'a.rf.01': 'a.rf.01', 'a.rf.02': 'a.rf.02'}, True),
    (['x/a.rf.01'], ['y/a.rf.01'], {'x/a.rf.01': 'y/a.rf.01'}, False),
    (['photo.rf.0a1b.jpg'], ['photo.rf.0a1b'],
     {'photo.rf.0a1b.jpg': 'photo.rf.0a1b'}, True),
])
def test_images_of_labels(told, images, pairs, exact):
    match = match_names(told, images)
    assert match.pairs == pairs and match.exact == exact
    assert match.lost == [n for n in told if n not in pairs]
    assert match.spare == [n for n in images if n not in pairs.values()]


def files(folder, *names):
    return {name: f'/{folder}/{name}.png' for name in names}


def test_the_longest_name_wins():
    match = match_masks(files('m', '1_mask', '12_mask', '2_mask'),
                        files('i', '1', '12', '2'), '--seg')
    assert match.suffix == '_mask.png'
    assert match.masks['12'] == '/m/12_mask.png' and len(match.masks) == 3


def test_a_number_is_not_an_end():
    with pytest.raises(DataError, match='masks are called 12, images 1;'):
        match_masks(files('m', '12'), files('i', '1'), '--seg')


def test_what_is_left_over():
    match = match_masks(files('m', 'a', 'b', 'x'), files('i', 'a', 'b', 'c'),
                        '--seg')
    assert match.lost == ['/m/x.png'] and match.spare == ['c']


def test_one_folder_for_both():
    both = files('x', 'a', 'a_mask', 'b', 'b_mask')
    match = match_masks(both, both, '--seg')
    assert match.masks == {'a': '/x/a_mask.png', 'b': '/x/b_mask.png'}
    assert not match.lost and not match.spare


def test_several_of_each():
    masks = files('m', *(f'{n}_{k}' for n in 'ab' for k in (0, 1, 2)))
    with pytest.raises(DataError, match=r'3 masks for the image [ab] \([ab]_0'
                       '.png'):
        match_masks(masks, files('i', 'a', 'b'), '--seg')
    masks = files('m', *(f'{n}_{k}' for n in 'abc' for k in ('x', 'y')))
    with pytest.raises(ConfigError, match=r'2 kinds: \*_x.png \(3\), '
                       r'\*_y.png \(3\)'):
        match_masks(masks, files('i', 'a', 'b', 'c'), '--seg')
    assert match_masks(masks, files('i', 'a', 'b', 'c'), '--seg',
                       '_y.png').masks['b'] == '/m/b_y.png'


def test_an_end_that_all_images_have():
    match = match_masks(files('m', 'a_gt', 'b_gt'),
                        files('i', 'a_left', 'b_left'), '--seg')
    assert (match.image_end, match.suffix) == ('_left', '_gt.png')
    assert set(match.masks) == {'a', 'b'}


def test_what_other_labels_claim():
    both = files('x', *(f'{n}_{k}' for n in 'ab' for k in (
        'rgb', 'depth', 'raw_depth')))
    claims = [Claim('/x', '_raw_depth.png')]
    match = match_masks(both, both, '--seg', '_depth.png', claims=claims)
    assert (match.image_end, match.lost, match.spare) == ('_rgb', [], [])
    assert match.masks == {n: f'/x/{n}_depth.png' for n in 'ab'}
    match = match_masks(both, both, '--seg', '_raw_depth.png',
                        claims=[Claim('/x', '_depth.png')])
    assert match.masks == {n: f'/x/{n}_raw_depth.png' for n in 'ab'}
    assert not Claim('/x', '_depth.png').has('/xy/a_depth.png')
    with pytest.raises(DataError, match='ends in _d.png: .* or name the'):
        match_masks(both, both, '--seg', '_d.png')
    with pytest.raises(DataError, match=r'\(_depth, _rgb\): --mask-suffix '
                       '_depth.png'):
        match_masks(files('x', 'a_depth'), files('x', 'a_depth', 'a_rgb'),
                    '--seg')
