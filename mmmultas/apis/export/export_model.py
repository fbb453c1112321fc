"""From a checkpoint to a file that was compared with it."""
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from mmengine.config import Config

from mmmultas.datasets.listing import list_files
from mmmultas.registry import DATASETS
from mmmultas.utils.checkpoint import atomic_path, load_file
from mmmultas.utils.config_text import parse_config_text
from mmmultas.utils.errors import ConfigError, DataError, UserError
from mmmultas.utils.launch import load_config
from mmmultas.utils.run_files import chosen_checkpoint

from ..inferencer import MultiTaskInferencer
from ..saved_model import SavedModel, load_saved_model
from .onnx_file import export_onnx, require_onnx, session_of
from .onnx_inferencer import OnnxInferencer, open_model
from .quantise import judge, quantise
from .verify import Differences, compare_core, compare_predictions

__all__ = ['export_model']

#: Pictures that ranges of 8-bit convolutions are taken from, at most.
CALIBRATION = 100


def export_model(checkpoint: str | Path,
                 out: str | Path,
                 *,
                 raw: bool = False,
                 int8: str | Path | None = None,
                 pictures: str | Path | None = None,
                 number: int = 20,
                 score_thr: float | None = None,
                 config: str | Path | None = None,
                 dynamo: bool = False) -> Iterator[str]:
    """Write, compare, and keep what is alike.

    Args:
        checkpoint: A checkpoint or a work folder.
        out: The file.
        raw: The core alone.
        int8: Folder of pictures: convolutions compute in 8 bits.
        pictures: Folder of pictures to compare on; those of validation by
            default.
        number: Of them.
        score_thr: Boxes must score more; None: what heads say.
        config: Replaces the checkpoint's config.
        dynamo: Write by ``torch.export``, not by TorchScript.

    Yields:
        Sentences on what was done and found.

    Raises:
        UserError: Whatever is in the way, or the file differs.
    """
    require_onnx()
    if number < 1 or not 0 <= (score_thr or 0) <= 1:
        raise ConfigError('--number is 1 or more and --score-thr lies in '
                          f'[0, 1]; got {number} and {score_thr}.')
    chosen = chosen_checkpoint(checkpoint)
    saved = load_saved_model(chosen, config, 'cpu')
    cfg = _config(chosen, config)
    shown, told = _pictures(pictures, cfg, number)
    with tempfile.TemporaryDirectory() as folder:
        plain = Path(folder) / 'model.onnx'
        export_onnx(saved, plain, raw, score_thr, Path(chosen).name, dynamo)
        yield from _compared(chosen, config, saved, plain, raw, shown, told,
                             score_thr)
        if int8 is None:
            with atomic_path(Path(out)) as part:
                part.write_bytes(plain.read_bytes())
        else:
            files = list(list_files(str(int8), None)[0].values())
            # files of a folder are often sorted by what they show
            quantise(plain, out, files[::-(-len(files) // CALIBRATION) or 1])
            yield from _judged(cfg, plain, out, shown)
    yield f'written: {out} ({Path(out).stat().st_size / 1e6:.1f} MB)'


def _compared(chosen: Any, config: Any, saved: SavedModel, plain: Path,
              raw: bool, shown: list[Any], told: str,
              score_thr: float | None) -> Iterator[str]:
    inferencer = MultiTaskInferencer(chosen, 'cpu', config=config)
    for head in inferencer.model.heads.values() if score_thr is not None \
            else ():
        if getattr(head, 'test_cfg', None):
            head.test_cfg['score_thr'] = score_thr
    found: Differences
    if raw:
        model = open_model(plain)
        batches = [torch.from_numpy(model.prepared(_array(one)))
                   for one in shown]
        # any number at a time
        batches.append(torch.cat(batches[:3]))
        found = compare_core(saved, session_of(plain), batches)
        found.pictures = len(shown)
        rest = compare_predictions(inferencer, model, shown)
        found.lines += rest.lines
        found.failed += rest.failed
    else:
        found = compare_predictions(inferencer, open_model(plain), shown)
    yield f'compared on {found.pictures} {told}:'
    yield from (f'  {line}' for line in found.lines)
    found.check('the exported file')


def _judged(cfg: Config, plain: Path, out: Any,
            shown: list[Any]) -> Iterator[str]:
    """What 8 bits cost on the data of the test, where they are there."""
    try:
        before, after = judge(cfg.copy(), [plain, out])
    except DataError as error:
        yield ('what 8 bits cost is not known, since the test data of the '
               f'checkpoint are not here ({error}); against full numbers:')
        found = compare_predictions(OnnxInferencer(plain), open_model(out),
                                    shown)
        yield from (f'  {line}' for line in found.lines)
        return
    yield 'what 8 bits cost on the test data (before, after):'
    for key, value in before.items():
        if '/' in key:
            yield f'  {key}: {value:.2f}, {after[key]:.2f}'


def _config(chosen: Any, config: Any) -> Config:
    if config is not None:
        return load_config(config)
    meta = load_file(chosen).get('meta')
    text = meta.get('cfg') if isinstance(meta, Mapping) else None
    cfg = parse_config_text(str(text), str(chosen))
    return cfg if isinstance(cfg, Config) else Config(dict(cfg))


def _pictures(folder: Any, cfg: Config,
              number: int) -> tuple[list[Any], str]:
    """What is compared on, and what it is called.

    Raises:
        UserError: There are no pictures.
    """
    if folder is not None:
        files = list(list_files(str(folder), None)[0].values())
        if not files:
            raise UserError(f'{folder} has no pictures to compare on.')
        return files[:number], f'pictures of {folder}'
    for key in ('test_dataloader', 'val_dataloader'):
        for stream in (cfg.get(key) or {}).values():
            try:
                dataset = DATASETS.build(dict(stream['dataset'], pipeline=[]))
                return [dataset.get_data_info(i)['img_path']
                        for i in range(min(number, len(dataset)))], (
                            'pictures of validation')
            except (DataError, ConfigError):
                continue
    raise UserError('The pictures of validation that the checkpoint names '
                    'are not here: name a folder by --pictures.')


def _array(picture: Any) -> Any:
    import mmmultas_runtime
    return mmmultas_runtime.read(picture) if isinstance(
        picture, str | Path) else picture
