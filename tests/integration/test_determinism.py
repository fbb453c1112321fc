"""The same seed on the same machine gives the same losses, to the bit."""
from mmmultas.testing import toy_config, toy_model
from mmmultas.utils.launch import build_runner

UPDATES = 50


def _losses(work_dir, dropout=0.0, workers=0):
    """Every loss term of 50 updates, without validation."""
    cfg = toy_config(work_dir, epochs=1, epoch_length=UPDATES,
                     model=toy_model(dropout=dropout), val_begin=2)
    for stream in cfg.train_dataloader.values():
        stream.num_workers = workers
    runner = build_runner(cfg)
    step, seen = runner.model.train_step, []

    def train_step(*args, **kwargs):
        logs = step(*args, **kwargs)
        seen.append({name: float(value) for name, value in logs.items()})
        return logs

    runner.model.train_step = train_step
    runner.train()
    assert len(seen) == UPDATES
    return seen


def test_two_runs_of_fifty_updates(tmp_path):
    plain, dropout = (
        _losses(tmp_path / f'a{p}', p) for p in (0.0, 0.3))
    assert _losses(tmp_path / 'b', 0.0) == plain
    # who loads the images makes no difference either
    assert _losses(tmp_path / 'c', 0.3, workers=1) == dropout
    assert dropout[0] != plain[0]
