"""What the tools share: a config made ready to run."""
import os
from pathlib import Path
from typing import Any

import torch
from mmengine.config import Config
from mmengine.registry import RUNNERS, init_default_scope

from .console import friendly_errors
from .errors import ConfigError

__all__ = ['build_runner', 'friendly_errors', 'load_config', 'use_amp']


def load_config(path: str | Path,
                options: dict[str, Any] | None = None) -> Config:
    """Read a config file and merge ``--cfg-options``.

    Raises:
        ConfigError: No such file, or it does not parse.
    """
    if not Path(path).is_file():
        raise ConfigError(f'Config {path} does not exist: check the path.')
    try:
        cfg = Config.fromfile(str(path))
    except FileNotFoundError as error:
        raise ConfigError(f'Config {path} inherits from a file that does not '
                          f'exist: {error}') from error
    except Exception as error:
        raise ConfigError(f'Config {path} does not parse '
                          f'({type(error).__name__}: {error}).') from error
    if options:
        try:
            cfg.merge_from_dict(options)
        except (KeyError, TypeError, AssertionError) as error:
            raise ConfigError(f'--cfg-options do not fit {path}: '
                              f'{error}') from error
    return cfg


def use_amp(cfg: Config) -> None:
    """Switch mixed precision on.

    Raises:
        ConfigError: There is no accelerator, or the optimizer wrapper is
            not a plain one.
    """
    if not torch.cuda.is_available():
        raise ConfigError('--amp needs a GPU and none is visible: leave '
                          '--amp out to train in full precision.')
    kind = cfg.optim_wrapper.get('type', 'OptimWrapper')
    if kind not in ('OptimWrapper', 'AmpOptimWrapper'):
        raise ConfigError('--amp replaces an `OptimWrapper`, but '
                          f'`optim_wrapper.type` is {kind}.')
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
    init_default_scope(cfg.get('default_scope', 'mmdet'))
    kind = cfg.get('runner_type', 'mmmultas.MultiTaskRunner')
    runner_class = RUNNERS.get(kind)
    if runner_class is None:
        raise ConfigError(f'`runner_type` {kind!r} is unknown: use '
                          "'mmmultas.MultiTaskRunner'.")
    return runner_class.from_cfg(cfg)
