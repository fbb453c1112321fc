import pytest

from mmmultas.projects.labels import in_words, parse_labels, words
from mmmultas.utils.errors import ConfigError, DataError


def test_what_the_options_say():
    near, parts, edges = parse_labels(
        ['near=depth:a/b', 'parts=classes:c:d', 'edges=e'], 'pictures',
        dict(images=['parts=other'], scale=['near=0.001'], unit=['near=m'],
             ignore=['parts=0,255', 'edges=9'], suffix=['near=_d.png']),
        [['parts', 'arm=1', 'leg=2']])
    assert (near.kind, near.scale, near.unit) == ('depth', .001, 'm')
    assert (near.source.labels, near.source.images) == ('a/b', 'pictures')
    assert near.suffix == '_d.png' and near.option == '--label near'
    assert (parts.source.labels, parts.source.images) == ('c:d', 'other')
    assert parts.classes == ('arm=1', 'leg=2')
    assert parts.ignore == ('0', '255') and edges.ignore == ('9', )
    assert (edges.kind, edges.source.labels) == ('edges', 'e')


@pytest.mark.parametrize('texts, options, said', [
    (['depth'], {}, 'NAME=KIND:PATH, for example depth=depth:my/depths'),
    (['x=depth:'], {}, 'NAME=KIND:PATH'),
    (['x=flow:a'], {}, "unknown kind 'flow': choose from boxes, classes, "
     'edges, saliency, depth, normals'),
    (['flow=a/b'], {}, 'kinds are boxes, classes, edges, saliency, depth, '
     'normals, and NAME=PATH is enough where the name is a kind'),
    (['seg=classes:a'], {}, "'seg' is a task that --seg names"),
    (['kd=depth:a'], {}, 'reserved'),
    (['depth=a', 'depth=b'], {}, "'depth' twice"),
    (['depth=a'], dict(unit=['m']), '--unit m is not of the form NAME=VALUE'),
    (['depth=a'], dict(images=['far=b']), 'there is no --label far; have '
     'depth'),
    (['depth=a'], dict(scale=['depth=1', 'depth=2']), 'a value already'),
    (['depth=a'], dict(scale=['depth=mm']), 'depth=mm is no number above 0'),
    (['depth=a'], dict(scale=['depth=-1']), 'is no number above 0'),
    (['normals=a'], dict(unit=['normals=m']), 'says nothing of normals: it '
     'is of depth'),
    (['x=boxes:a'], dict(suffix=['x=.xml']), 'says nothing of boxes'),
    (['depth=a'], dict(ignore=['depth=0']), '--label-ignore depth says '
     'nothing of depth'),
])
def test_what_cannot_be_meant(texts, options, said):
    with pytest.raises(ConfigError) as error:
        parse_labels(texts, of_label=options)
    assert said in str(error.value)


@pytest.mark.parametrize('classes', [['x', 'arm'], ['parts']])
def test_classes_belong_to_a_label(classes):
    with pytest.raises(ConfigError, match='begins with the name of a label'):
        parse_labels(['parts=classes:a'], classes=[classes])


@pytest.mark.parametrize('text, said', [
    ('--label p needs --label p-images: the', '--label p needs '
     '--label-images p=DIR: the'),
    ('name them, or --ignore them', 'name them, or --label-ignore p=VALUE '
     'them'),
    ('if not: --ignore 255', 'if not: --label-ignore p=255'),
    ('example --mask-suffix _a.png.', 'example --label-suffix p=_a.png.'),
    ('with --mask-suffix.', 'with --label-suffix p=END.'),
    ('--seg and --val-seg: the', '--label p and --label p of validation: '
     'the'),
])
def test_messages_in_the_words_of_the_options(text, said):
    assert words(text, 'p') == said
    for kind in (ConfigError, DataError):
        with pytest.raises(kind) as error, in_words('p'):
            raise kind(text)
        assert str(error.value) == said
