import pytest

from mmmultas.engine.hooks.validation_pictures import ValidationPictureHook
from mmmultas.testing import toy_config
from mmmultas.utils.errors import ConfigError
from mmmultas.utils.launch import build_runner


def test_the_same_images_after_every_epoch(tmp_path):
    pytest.importorskip('tensorboard')
    from tensorboard.backend.event_processing.event_accumulator import (
        EventAccumulator)
    cfg = toy_config(tmp_path, epochs=2)
    cfg.default_hooks.pictures = dict(
        type='mmmultas.ValidationPictureHook', number=3)
    cfg.visualizer = dict(
        type='mmmultas.MultiTaskVisualizer',
        vis_backends=[dict(type='LocalVisBackend'),
                      dict(type='TensorboardVisBackend')])
    build_runner(cfg).train()
    files = sorted(p.name for p in tmp_path.glob('*/vis_data/vis_image/**/*')
                   if p.is_file())
    assert files == [f'val_{i}_{i}_{epoch}.png'
                     for i in range(3) for epoch in (1, 2)]
    [events] = tmp_path.glob('*/vis_data/events*')
    told = EventAccumulator(str(events)).Reload()
    assert told.Tags()['images'] == ['val_0_0', 'val_1_1', 'val_2_2']
    assert [e.step for e in told.Images('val_0_0')] == [1, 2]


def test_another_visualizer_is_said(tmp_path, caplog):
    cfg = toy_config(tmp_path, epochs=1)
    cfg.default_hooks.pictures = dict(type='mmmultas.ValidationPictureHook')
    runner = build_runner(cfg)
    said = []
    runner.logger.warning = said.append
    runner.train()
    assert [text for text in said if 'MultiTaskVisualizer' in text]


@pytest.mark.parametrize('number', [-1, True, 1.5])
def test_numbers_that_are_none(number):
    with pytest.raises(ConfigError, match='at least 0'):
        ValidationPictureHook(number)
