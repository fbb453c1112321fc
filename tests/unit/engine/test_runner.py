import pytest
import torch

from mmmultas.registry import MODELS
from mmmultas.testing import toy_config, toy_model, toy_stream
from mmmultas.utils.errors import CheckpointError, ConfigError
from mmmultas.utils.launch import build_runner

@pytest.mark.parametrize('key, kind', [
    ('train_cfg', 'EpochBasedTrainLoop'), ('train_cfg', None),
    ('val_cfg', 'ValLoop'), ('test_cfg', 'mmengine.TestLoop')
])
def test_loops_of_one_loader(tmp_path, key, kind):
    cfg = toy_config(tmp_path)
    cfg[key] = dict(max_epochs=1) if key == 'train_cfg' else {}
    if kind:
        cfg[key]['type'] = kind
    runner = build_runner(cfg)
    with pytest.raises(ConfigError, match=f"`{key}.type`.*'mmmultas.Multi"):
        runner.test() if key == 'test_cfg' else runner.train()


@pytest.fixture(scope='module')
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp('trained')
    build_runner(toy_config(folder, epochs=2)).train()
    return folder


def test_a_broken_file_is_passed_over(trained, tmp_path):
    for path in trained.glob('epoch_*'):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    (tmp_path / 'epoch_2.pth').write_bytes(b'half')
    (tmp_path / 'last_checkpoint').write_text(str(tmp_path / 'epoch_2.pth'))
    cfg = toy_config(tmp_path, epochs=2)
    cfg.resume = True
    runner = build_runner(cfg)
    seen = []
    resume = runner.resume
    runner.resume = lambda path, *a, **k: (seen.append(path),
                                           resume(path, *a, **k))
    runner.train()
    assert seen == [str(tmp_path / 'epoch_1.pth')]


def test_broken_files_alone_do_not_start_anew(tmp_path):
    (tmp_path / 'epoch_2.pth').write_bytes(b'half')
    cfg = toy_config(tmp_path, epochs=2)
    cfg.resume = True
    with pytest.raises(CheckpointError, match='None of the 1 checkpoints.*'
                       '--resume PATH'):
        build_runner(cfg).train()
    assert (tmp_path / 'epoch_2.pth').read_bytes() == b'half'


def test_a_test_wants_every_weight(trained, tmp_path):
    cfg = toy_config(tmp_path)
    cfg.load_from = str(trained / 'epoch_2.pth')
    metrics = build_runner(cfg).test()
    assert 'seg/mIoU' in metrics
    cfg.model.heads.seg.channels = 4
    with pytest.raises(CheckpointError, match='does not fit this model'):
        build_runner(cfg).test()


def test_a_config_in_a_checkpoint_is_not_executed(trained, tmp_path):
    saved = torch.load(trained / 'epoch_1.pth')
    trap = tmp_path / 'sprung'
    saved['meta']['config'] = f'import os\nos.mkdir({str(trap)!r})\n'
    torch.save(saved, tmp_path / 'epoch_1.pth')
    cfg = toy_config(tmp_path, epochs=1)
    cfg.resume = True
    build_runner(cfg).train()
    assert not trap.exists()


def test_weights_alone_cannot_be_resumed(trained, tmp_path):
    saved = torch.load(trained / 'epoch_1.pth')
    torch.save(dict(state_dict=saved['state_dict']), tmp_path / 'w.pth')
    cfg = toy_config(tmp_path)
    cfg.resume, cfg.load_from = True, str(tmp_path / 'w.pth')
    with pytest.raises(CheckpointError, match='w.pth cannot be resumed.*ep'):
        build_runner(cfg).train()


def test_load_from_takes_what_fits(trained, tmp_path):
    model = toy_model()
    model['heads']['seg']['channels'] = 4
    cfg = toy_config(tmp_path, epochs=1, model=model)
    cfg.load_from = str(trained / 'epoch_2.pth')
    cfg.optim_wrapper.optimizer.lr = 0.0
    runner = build_runner(cfg)
    runner.train()
    saved = torch.load(trained / 'epoch_2.pth')['state_dict']
    key = 'heads.det.cls_branches.0.0.0.weight'
    assert torch.equal(runner.model.state_dict()[key], saved[key])


def test_auto_scale_lr_counts_images_over_streams(tmp_path):
    cfg = toy_config(tmp_path, epochs=1)
    cfg.auto_scale_lr = dict(enable=True, base_batch_size=16)
    runner = build_runner(cfg)
    runner.train()
    assert runner.optim_wrapper.param_groups[0]['initial_lr'] \
        == pytest.approx(0.01 * 4 / 16)
    views = dict(det=toy_stream(8, ('det', ), double_aug=True))
    cfg = toy_config(tmp_path / 'views', views, epochs=1,
                     model=toy_model(('det', )))
    cfg.val_evaluator.seg = cfg.test_evaluator.seg = None
    cfg.val_cfg.selection = {'det/mAP': 1}
    cfg.auto_scale_lr = dict(enable=True, base_batch_size=16)
    runner = build_runner(cfg)
    runner.train()
    assert runner.optim_wrapper.param_groups[0]['initial_lr'] \
        == pytest.approx(0.01 * 4 / 16)


def test_runners_of_one_second_share_nothing(tmp_path):
    runners = [
        build_runner(toy_config(tmp_path / str(i), epochs=1))
        for i in range(3)
    ]
    assert len({r.experiment_name for r in runners}) == 3
    assert len({id(r.message_hub) for r in runners}) == 3
    assert len({r.log_dir for r in runners}) == 3


@pytest.mark.parametrize('name', ['epoch_2.pth', 'best_score_epoch_1.pth'])
def test_a_second_start_does_not_replace_the_first(tmp_path, name):
    (tmp_path / name).write_bytes(b'weeks of work')
    with pytest.raises(ConfigError, match=f'{name}.*--resume'):
        build_runner(toy_config(tmp_path, epochs=1)).train()
    assert (tmp_path / name).read_bytes() == b'weeks of work'


@pytest.mark.parametrize('key', ['train_cfg', 'val_cfg'])
def test_a_key_that_a_loop_does_not_know(tmp_path, key):
    cfg = toy_config(tmp_path, epochs=1)
    cfg[key].max_epoch = 3
    with pytest.raises(ConfigError, match=f"`{key}` has no key 'max_epoch'"):
        build_runner(cfg).train()


def test_weights_of_a_stock_model_start_ours(tmp_path):
    """A detector's box head and a segmenter's decode head, by our names."""
    model = MODELS.build(toy_model())
    for value in model.parameters():
        torch.nn.init.normal_(value)
    state = {
        key.replace('heads.det.', 'bbox_head.').replace(
            'heads.seg.', 'decode_head.'): value
        for key, value in model.state_dict().items()
    }
    torch.save(dict(state_dict=state), tmp_path / 'stock.pth')
    cfg = toy_config(tmp_path / 'run')
    cfg.load_from = str(tmp_path / 'stock.pth')
    cfg.custom_hooks = []
    runner = build_runner(cfg)
    runner.load_or_resume()
    assert all(torch.equal(value, model.state_dict()[key])
               for key, value in runner.model.state_dict().items())


def test_a_compiled_encoder_learns_the_same(tmp_path):
    weights = []
    for name, options in (('plain', None), ('compiled', True)):
        cfg = toy_config(tmp_path / name, epochs=1)
        if options:
            cfg.compile = dict(backend='eager')
        runner = build_runner(cfg)
        runner.train()
        weights.append(runner.model.state_dict())
    assert hasattr(runner.model.encode, '_torchdynamo_orig_callable')
    for key, value in weights[0].items():
        torch.testing.assert_close(weights[1][key], value)


def test_classes_that_training_does_not_name(tmp_path):
    """Of tasks without a labelled training image; others stay as they are."""
    cfg = toy_config(tmp_path, dict(det=toy_stream(4, ('det', ))))
    cfg.custom_hooks = []
    runner = build_runner(cfg)
    saved = dict(meta=dict(dataset_meta=dict(tasks=('det', ), det='own')))
    runner.call_hook('before_save_checkpoint', checkpoint=saved)
    assert 'judged_meta' not in saved['meta']  # nobody has built the loop
    assert runner.val_loop is not None
    runner.call_hook('before_save_checkpoint', checkpoint=saved)
    judged = saved['meta']['judged_meta']
    assert list(judged) == ['seg']
    assert judged['seg']['classes'][0] == 'background'
