import pytest


@pytest.fixture
def write(tmp_path):
    """A matrix file beside the configs that it names."""
    folder = tmp_path / 'matrices'
    folder.mkdir()
    (tmp_path / 'configs').mkdir()
    for name in ('det', 'seg'):
        (tmp_path / f'configs/{name}.py').write_text(
            "data = '{{$MMMULTAS_DATA:data}}'\n"
            'train_cfg = dict(max_epochs=2)\nload_from = None\n'
            'randomness = dict(seed=0)\n')

    def write(text):
        path = folder / 'toy.yaml'
        path.write_text(text)
        return path

    return write
