"""MMEngine's runner, for several streams and safe files."""
import atexit
import gc
import importlib.util
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import torch
from mmengine.dist import is_distributed, master_only
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner

from mmmultas.registry import RUNNERS
from mmmultas.utils.checkpoint import (assert_fits, atomic_path, load_file,
                                       load_matching, state_dict_of,
                                       with_our_names)
from mmmultas.utils.errors import CheckpointError, ConfigError
from mmmultas.utils.plain import make_plain
from mmmultas.utils.quiet import quiet_console
from mmmultas.utils.run_files import chosen_checkpoint, latest_checkpoints

from .coverage import (leaves_stages_unread, may_skip_a_head,
                       refuse_stray_collectives)
from .hooks.company import company_of
from .loop_errors import build_loop
from .optim import wrapper_for_cpu
from .restart import check_resumable, initial_rates, other_classes
from .stock_hooks import refuse_hook, refuse_inherited_keys

__all__ = ['MultiTaskRunner']


@RUNNERS.register_module()
class MultiTaskRunner(Runner):
    """Runner whose files are whole, safe and complete.

    * Checkpoints are written atomically and read without executing them.
    * ``resume`` without a path takes the newest one that can be read.
    * Resume and test demand that a checkpoint fills the whole model;
      ``load_from`` in training takes what fits and says what did not.
    * ``find_unused_parameters`` is on exactly where a head may lack labels.
    """
    _started: ClassVar[Counter[str]] = Counter()
    _strict = False
    _train_dataloader: Any

    def build_visualizer(self, visualizer: Any = None) -> Any:
        """Leave TensorBoard out where it is not installed."""
        backends = isinstance(visualizer, dict) and visualizer.get(
            'vis_backends')
        if backends and importlib.util.find_spec('tensorboard') is None:
            visualizer = dict(
                visualizer,
                vis_backends=[
                    b for b in backends
                    if 'Tensorboard' not in str(b.get('type'))
                ])
        return super().build_visualizer(visualizer)

    def setup_env(self, env_cfg: dict[str, Any]) -> None:
        """Start gloo where there is no GPU; MMEngine would ask for one."""
        if (self.distributed and not torch.cuda.is_available()
                and not is_distributed()):
            if self.launcher != 'pytorch':
                raise ConfigError(
                    f'--launcher {self.launcher} needs GPUs and none is '
                    'visible: use --launcher pytorch (torchrun) on CPUs.')
            torch.distributed.init_process_group('gloo')
        super().setup_env(env_cfg)
        if self.distributed:
            # threads of a group that Python leaves behind abort the process
            atexit.unregister(_leave_group)
            atexit.register(_leave_group)
        # MMEngine keys logger, message hub and log folder by the second:
        # a second runner within it would share and reset the first one's
        started = MultiTaskRunner._started
        started[self._timestamp] += 1
        if started[self._timestamp] > 1:
            self._timestamp += f'_{started[self._timestamp]}'

    def wrap_model(self, model_wrapper_cfg: dict | None,
                   model: torch.nn.Module) -> torch.nn.Module:
        """Let DDP look for unused parameters only where there may be any."""
        if self.distributed and getattr(model, 'sequential', False):
            raise ConfigError('`model.sequential` trains in one process: '
                              'leave it out with several.')
        if self.distributed and model_wrapper_cfg is None:
            find = self.cfg.get('find_unused_parameters')
            if find is None:
                find = (getattr(model, 'may_skip_parts', False)
                        or leaves_stages_unread(model) or may_skip_a_head(
                            self.cfg, set(getattr(model, 'tasks', ()))))
                refuse_stray_collectives(self.cfg, model)
            model_wrapper_cfg = dict(
                type='MMDistributedDataParallel',
                broadcast_buffers=False,
                find_unused_parameters=find)
            if not torch.cuda.is_available():
                model_wrapper_cfg['device_ids'] = None
        return super().wrap_model(model_wrapper_cfg, model)

    def build_optim_wrapper(self, optim_wrapper: Any) -> Any:
        """Mixed precision on a CPU needs a wrapper of ours."""
        return super().build_optim_wrapper(wrapper_for_cpu(optim_wrapper))

    def scale_lr(self,
                 optim_wrapper: Any,
                 auto_scale_lr: dict | None = None) -> None:
        """Scale by the images of an update, over streams and processes."""
        streams = self._train_dataloader
        per_process = (
            self.train_loop.dataloader.images_per_update // self.world_size)
        self._train_dataloader = dict(batch_size=per_process)
        try:
            super().scale_lr(optim_wrapper, auto_scale_lr)
        finally:
            self._train_dataloader = streams

    def build_param_scheduler(self, scheduler: Any) -> Any:
        """Tell our schedulers the streams, and the parts of the model."""
        built = super().build_param_scheduler(scheduler)
        parts = built.values() if isinstance(built, dict) else [built]
        for part in parts:
            for one in part:
                if hasattr(one, 'bind'):
                    one.bind(self.train_loop.dataloader.schedule)
                if hasattr(one, 'bind_model'):
                    model = self.model
                    one.bind_model(model.module if is_model_wrapper(model)
                                   else model)
        return built

    def build_logger(self, *args: Any, **kwargs: Any) -> Any:
        """Keep details from the console; the log file has them."""
        logger = super().build_logger(*args, **kwargs)
        for file in quiet_console(logger):
            logger.info(f'Environment, config and all settings: {file}')
        return logger

    def register_hooks(self,
                       default_hooks: Any = None,
                       custom_hooks: Any = None) -> None:
        """Refuse stock hooks that would do nothing."""
        refuse_inherited_keys(default_hooks or {})
        super().register_hooks(default_hooks, custom_hooks)
        for hook in self.hooks:
            said = refuse_hook(hook)
            if said:
                self.logger.warning(said)

    def call_hook(self, fn_name: str, **kwargs: Any) -> None:
        """Call the hooks; whoever saves, the file is one that we can read."""
        super().call_hook(fn_name, **kwargs)
        if fn_name == 'before_save_checkpoint':
            self._note_judged(kwargs['checkpoint']['meta'])
            for key in make_plain(kwargs['checkpoint']):
                self.logger.warning(
                    f'The entry {key!r} of the checkpoint is left out: what '
                    'it holds cannot be read back safely.')

    def _note_judged(self, meta: dict[str, Any]) -> None:
        """Keep the classes of tasks that training images have no label of.

        Students of soft labels and classifiers of images have such tasks.
        """
        judged = getattr(getattr(self._val_loop, 'dataloader', None),
                         'dataset', None)
        known, found = meta.get('dataset_meta') or {}, {}
        for task, value in getattr(judged, 'metainfo', {}).items():
            if task != 'tasks' and task not in known:
                found[task] = value
        if found:
            meta['judged_meta'] = found

    @master_only
    def save_checkpoint(self, out_dir: str, filename: str, *args: Any,
                        **kwargs: Any) -> None:
        """Write atomically.

        Raises:
            CheckpointError: The disk is full or the folder not writable;
                older checkpoints are as they were.
        """
        target = Path(out_dir) / filename
        try:
            with atomic_path(target) as part:
                super().save_checkpoint(
                    str(part.parent), part.name, *args, **kwargs)
        except OSError as error:
            raise CheckpointError(
                f'Checkpoint {target} cannot be written ({error}); older '
                'ones are intact: make room or choose another `work_dir`, '
                'then use --resume.') from error

    def load_checkpoint(self,
                        filename: str,
                        map_location: Any = 'cpu',
                        strict: bool = False,
                        revise_keys: Any = None) -> dict[str, Any]:
        """Read a checkpoint into the model.

        Args:
            filename: A local file, or a run's work folder: its best, else
                its last checkpoint.
            map_location: As in :func:`torch.load`.
            strict: Whether everything must be filled; always so in resume
                and test.
            revise_keys: Not used; ``module.`` is removed.
        """
        filename = str(chosen_checkpoint(filename))
        checkpoint = load_file(filename, map_location)
        # MMEngine's resume would execute this text as a config
        checkpoint.get('meta', {}).pop('config', None)
        if self._resume:
            check_resumable(checkpoint, filename)
        checkpoint['state_dict'] = state_dict_of(checkpoint)
        model = self.model
        model = model.module if is_model_wrapper(model) else model
        strict = strict or self._strict or self._resume
        if strict:
            assert_fits(model, checkpoint['state_dict'], filename)
        if (self._resume and company_of(checkpoint)
                and not getattr(model, 'has_company', False)):
            raise CheckpointError(
                f'Checkpoint {filename} was written with companions '
                '(distillation, for example) and cannot be resumed without '
                'them: give its path as `load_from` to start a new run from '
                'its weights.')
        self._compare_classes(checkpoint.get('meta') or {}, filename, strict)
        if self._resume:
            self.call_hook('after_load_checkpoint', checkpoint=checkpoint)
        state = with_our_names(checkpoint['state_dict'], model.state_dict())
        report = load_matching(model, state, filename)
        if not self._resume:
            # what did not fit has been said; hooks that copy weights, such
            # as EMA's, would say it again, under names of others
            self.call_hook('after_load_checkpoint', checkpoint=dict(
                checkpoint, state_dict=model.state_dict()))
        self._has_loaded = True
        self.logger.info(f'Loaded {filename}: {report}')
        return checkpoint

    def _compare_classes(self, meta: Mapping[str, Any], source: str,
                         strict: bool) -> None:
        """Say if a checkpoint's heads mean other classes than the data.

        Raises:
            ConfigError: The same classes in another order, and the
                checkpoint is to fill the whole model.
        """
        saved = {**(meta.get('judged_meta') or {}),
                 **(meta.get('dataset_meta') or {})}
        loops = (self._train_loop, self._val_loop, self._test_loop)
        for loop in loops:
            dataset = getattr(getattr(loop, 'dataloader', None), 'dataset', 0)
            given = getattr(dataset, 'metainfo', {})
            said = other_classes(saved, given, source)
            if said and strict and said.permuted:
                raise ConfigError(said.text)
            if said:
                self.logger.warning(said.text)
                return

    def load_or_resume(self) -> None:
        """Resume from the newest checkpoint that can be read.

        Raises:
            CheckpointError: There are some and none can be read. Starting at
                the beginning would soon delete them.
        """
        if self._has_loaded or not self._resume or self._load_from:
            super().load_or_resume()
            return
        candidates = latest_checkpoints(self.work_dir)
        if not candidates:
            self.logger.info(
                f'No checkpoint in {self.work_dir} yet: start at the '
                'beginning.')
        for path in candidates:
            try:
                load_file(path)
            except CheckpointError as error:
                self.logger.warning(f'{error} Trying an older one.')
                continue
            self.logger.info(f'Resume from {path}.')
            self.resume(str(path))
            return
        if candidates:
            raise CheckpointError(
                f'None of the {len(candidates)} checkpoints in '
                f'{self.work_dir} can be read: name one that is whole with '
                '--resume PATH, or move them away to start anew.')

    def train(self) -> torch.nn.Module:
        """Train, unless an earlier run's checkpoints would be overwritten.

        Raises:
            ConfigError: ``work_dir`` holds checkpoints and the run is not
                resumed.
        """
        folder = Path(self.work_dir)
        earlier = latest_checkpoints(folder) + sorted(
            folder.glob('best_*.pth'))
        if earlier and not self._resume:
            raise ConfigError(
                f'{folder} holds checkpoints of an earlier run '
                f'({earlier[0].name}), which a new one would replace: go on '
                'with --resume, choose another --work-dir, or move them away.')
        network = self.model
        network = network.module if is_model_wrapper(network) else network
        if getattr(network, 'has_company', False):
            network.prepare()  # wrong teachers show before data are read
            self.register_hook(dict(type='mmmultas.CompanyHook'))
        model: torch.nn.Module = super().train()
        return model

    def _maybe_compile(self, target: str) -> None:
        """Compile the encoder alone (``compile=True`` or its options).

        What is around it works on lists of samples, which a compiler cannot
        look through; MMEngine would compile the whole step and fail.
        """
        options = self.cfg.get('compile')
        network = self.model
        network = network.module if is_model_wrapper(network) else network
        if options and hasattr(network, 'encode'):
            options = {} if options is True else dict(options)
            network.encode = torch.compile(network.encode, **options)

    def build_train_loop(self, loop: Any) -> Any:
        """Name the key that a loop does not know."""
        return build_loop('train_cfg', super().build_train_loop, loop)

    def build_val_loop(self, loop: Any) -> Any:
        """Name the key that a loop does not know."""
        return build_loop('val_cfg', super().build_val_loop, loop)

    def build_test_loop(self, loop: Any) -> Any:
        """Name the key that a loop does not know."""
        return build_loop('test_cfg', super().build_test_loop, loop)

    def resume(self, filename: str, *args: Any, **kwargs: Any) -> None:
        """Resume model, optimizer, schedules and position.

        Raises:
            CheckpointError: The file has weights but no training state.
        """
        asked = initial_rates(self.optim_wrapper)
        super().resume(filename, *args, **kwargs)
        kept = initial_rates(self.optim_wrapper)
        changed = [pair for pair in zip(asked, kept) if pair[0] != pair[1]]
        if changed:
            wanted, had = max(changed)
            self.logger.warning(
                f'The config asks for the learning rate {wanted:g}, and the '
                f'run goes on with that of its checkpoint, {had:g}: give the '
                'checkpoint as `load_from` of a new run to change it.')
        # the streams were built before the checkpoint told its seed
        self.train_loop.dataloader.reseed(self.seed or 0)

    def val(self) -> dict[str, float]:
        """Validate ``load_from``, which must fill the model."""
        self._strict = True
        metrics: dict[str, float] = super().val()
        return metrics

    def test(self) -> dict[str, float]:
        """Test ``load_from``, which must fill the model."""
        self._strict = True
        metrics: dict[str, float] = super().test()
        return metrics


def _leave_group() -> None:
    """End the threads of the group with the last model that holds it.

    They may ask for Python's lock before they end: a model that lets the
    group go would hold it meanwhile, and wait for ever; ``group`` does not.
    """
    if is_distributed():
        group = torch.distributed.group.WORLD
        torch.distributed.destroy_process_group()
        gc.collect()
        del group
