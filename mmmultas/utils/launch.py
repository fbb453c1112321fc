"""What the tools share: a config made ready to run."""
import ast
import contextlib
import difflib
import logging
import os
from pathlib import Path
from typing import Any

import torch
from mmengine.config import Config
from mmengine.logging import print_log
from mmengine.registry import RUNNERS, init_default_scope

from .console import friendly_errors
from .errors import ConfigError
from .idle_keys import idle_keys
from .quiet import import_stock
from .resources import command, find_file

__all__ = [
    'build_runner', 'check_options', 'friendly_errors', 'load_config',
    'use_amp'
]

#: Keys that a runner reads, whether a config has them or not.
RUNNER_KEYS = frozenset({
    'auto_scale_lr', 'cfg', 'compile', 'custom_hooks', 'custom_imports',
    'data_preprocessor', 'default_hooks', 'default_scope', 'env_cfg',
    'experiment_name', 'find_unused_parameters', 'launcher', 'load_from',
    'log_level', 'log_processor', 'model', 'model_wrapper_cfg',
    'optim_wrapper', 'param_scheduler', 'randomness', 'resume', 'runner_type',
    'sync_bn', 'test_cfg', 'test_dataloader', 'test_evaluator', 'train_cfg',
    'train_dataloader', 'val_cfg', 'val_dataloader', 'val_evaluator',
    'vis_backends', 'visualizer', 'work_dir'
})


def load_config(path: str | Path,
                options: dict[str, Any] | None = None) -> Config:
    """Read a config file and merge ``--cfg-options``.

    Args:
        path: A file; ``configs/...`` that is not here and
            ``mmmultas::multas/x.py`` are those of the package.
        options: Dotted key → value.

    Raises:
        ConfigError: No such file, or it does not parse.
    """
    path = find_file(path)
    import_stock()
    try:
        cfg = Config.fromfile(str(path))
    except FileNotFoundError as error:
        raise ConfigError(f'Config {path} inherits from a file that does not '
                          f'exist: {error}') from error
    except Exception as error:
        raise ConfigError(f'Config {path} does not parse '
                          f'({type(error).__name__}: {error}).') from error
    for said in idle_keys(Path(path), cfg, RUNNER_KEYS):
        print_log(said, logger='current', level=logging.WARNING)
    if options:
        options = {key: _literal(value) for key, value in options.items()}
        check_options(cfg, options)
        try:
            cfg.merge_from_dict(options)
        except (KeyError, TypeError, AssertionError) as error:
            raise ConfigError(f'--cfg-options do not fit {path}: '
                              f'{error}') from error
    return cfg


def _literal(value: Any) -> Any:
    """A dict that was written on the command line; MMEngine keeps its text."""
    if isinstance(value, str) and value.startswith('{'):
        with contextlib.suppress(ValueError, SyntaxError):
            return ast.literal_eval(value)
    return value


def check_options(cfg: Config, options: dict[str, Any]) -> None:
    """Refuse options that would be taken and change nothing.

    Args:
        cfg: The config as read.
        options: Dotted key → value.

    Raises:
        ConfigError: An unknown top-level key, or a value from which the file
            had computed others when it was read.
    """
    for option in options:
        key = option.split('.')[0]
        if key in RUNNER_KEYS:
            continue
        if key not in cfg:
            near = difflib.get_close_matches(key, [*cfg, *RUNNER_KEYS], 1)
            hint = f': did you mean {near[0]!r}?' if near else '.'
            raise ConfigError(f'--cfg-options names {key!r}, which the config '
                              f'does not have{hint}')
        if option == key and not isinstance(cfg[key], (dict, list)):
            shows = command('analysis_tools/print_config')
            raise ConfigError(
                f'--cfg-options {key}=... comes too late: {key!r} is a value '
                'from which the config file computes others while it is '
                f'read. Set those (`{shows}` shows '
                'them), or edit the file.')


def use_amp(cfg: Config) -> None:
    """Switch mixed precision on: float16 on a GPU, bfloat16 on a CPU.

    Raises:
        ConfigError: The optimizer wrapper is not a plain one.
    """
    ours = 'mmmultas.BFloat16OptimWrapper'
    kind = cfg.optim_wrapper.get('type', 'OptimWrapper')
    if kind == ours:
        return
    if kind not in ('OptimWrapper', 'AmpOptimWrapper'):
        raise ConfigError('--amp replaces an `OptimWrapper`, but '
                          f'`optim_wrapper.type` is {kind}.')
    if not torch.cuda.is_available():
        cfg.optim_wrapper.type = ours
        return
    cfg.optim_wrapper.type = 'AmpOptimWrapper'
    cfg.optim_wrapper.setdefault('loss_scale', 'dynamic')


def build_runner(cfg: Config, launcher: str = 'none') -> Any:
    """Build the runner that a config asks for.

    Args:
        cfg: A config with ``work_dir``.
        launcher: ``none``, ``pytorch``, ``slurm`` or ``mpi``.
    """
    if launcher == 'none' and 'LOCAL_RANK' not in os.environ:
        os.environ['LOCAL_RANK'] = '0'
    cfg.launcher = launcher
    import_stock()
    init_default_scope(cfg.get('default_scope', 'mmdet'))
    kind = cfg.get('runner_type', 'mmmultas.MultiTaskRunner')
    runner_class = RUNNERS.get(kind)
    if runner_class is None:
        raise ConfigError(f'`runner_type` {kind!r} is unknown: use '
                          "'mmmultas.MultiTaskRunner'.")
    return runner_class.from_cfg(cfg)
