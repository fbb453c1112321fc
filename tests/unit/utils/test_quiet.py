import logging
import subprocess
import sys
from pathlib import Path

from mmmultas.testing import toy_config
from mmmultas.utils.launch import build_runner
from mmmultas.utils.quiet import ConsoleFilter, quiet_console

ROOT = Path(__file__).resolve().parents[3]


def test_forty_lines_at_most_before_the_first_loss(tmp_path, capfd):
    cfg = toy_config(tmp_path, epochs=1)
    cfg.log_level = 'INFO'
    cfg.optim_wrapper.paramwise_cfg = dict(norm_decay_mult=0.)
    cfg.default_hooks.logger = dict(type='LoggerHook', interval=1)
    build_runner(cfg).train()
    said = ''.join(capfd.readouterr())
    lines = said.splitlines()
    first = next(i for i, line in enumerate(lines) if 'loss: ' in line)
    assert first <= 40, lines[:first]
    [file] = tmp_path.glob('*/*.log')
    assert f'Environment, config and all settings: {file}' in said
    kept = file.read_text()
    for detail in ('System environment', 'Config:', 'paramwise_options',
                   'Hooks will be executed', 'torch.Size'):
        assert detail in kept and detail not in said
    for detail in ('det.loss_cls', 'Best so far', 'score'):
        assert detail in said


def test_other_handlers_and_messages_stay(tmp_path):
    logger = logging.Logger('x')
    file = logging.FileHandler(tmp_path / 'x.log')
    console = logging.StreamHandler()
    for handler in (file, console):
        logger.addHandler(handler)
    assert quiet_console(logger) == [str(tmp_path / 'x.log')]
    quiet_console(logger)
    assert not file.filters and len(console.filters) == 1
    record = logging.LogRecord('x', 20, '', 0, 'Config of mine', (), None)
    assert ConsoleFilter().filter(record)


def test_stock_packages_say_nothing_when_they_are_imported():
    done = subprocess.run(
        [sys.executable, '-c',
         'from mmmultas.utils.quiet import import_stock; import_stock()'],
        capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0
    said = done.stdout + done.stderr
    assert 'OneDL' not in said and 'will not be computed' not in said
