"""8-bit convolutions of an exported file, and what they cost in accuracy."""
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import mmmultas_runtime

from mmmultas.utils.checkpoint import atomic_path
from mmmultas.utils.errors import UserError
from mmmultas.utils.launch import build_runner

from .onnx_file import require_onnx
from .onnx_inferencer import answer_by

__all__ = ['judge', 'quantise']


def quantise(source: str | Path, out: str | Path,
             pictures: Sequence[str | Path]) -> None:
    """Write a file whose convolutions compute in 8 bits.

    Ranges are the smallest and largest values on pictures (QDQ, MinMax); of
    a convolution with ReLU or ReLU6 behind it those after it.

    Args:
        source: A file of :func:`export_onnx`.
        out: The new file.
        pictures: Some, 100 or so, like those that it will see.

    Raises:
        UserError: No pictures, or a package is missing.
    """
    onnx, _ = require_onnx()
    from onnxruntime import quantization as q
    if not pictures:
        raise UserError('--int8 wants pictures like those that the model '
                        'will see: name a folder of them.')
    reader = _Pictures(mmmultas_runtime.Model(source), pictures)
    with tempfile.TemporaryDirectory() as folder, \
            atomic_path(Path(out)) as part:
        plain = Path(folder) / 'plain.onnx'
        q.quant_pre_process(str(source), str(plain),
                            skip_symbolic_shape=True)
        q.quantize_static(
            str(plain), str(part), reader,
            quant_format=q.QuantFormat.QDQ,
            # what the two cut off is to take none of the 256 levels
            op_types_to_quantize=['Conv', 'Relu', 'Clip'],
            per_channel=True, activation_type=q.QuantType.QUInt8,
            weight_type=q.QuantType.QInt8,
            calibrate_method=q.CalibrationMethod.MinMax)
        model, original = onnx.load(str(part)), onnx.load(str(source))
        del model.metadata_props[:]
        model.metadata_props.extend(original.metadata_props)
        onnx.save(model, str(part))


class _Pictures:
    """Calibration data: one picture after the other."""

    def __init__(self, model: Any, pictures: Sequence[str | Path]) -> None:
        self.model = model
        self.rest = iter(pictures)

    def get_next(self) -> dict[str, Any] | None:
        """Inputs of the next picture; None at the end."""
        path = next(self.rest, None)
        if path is None:
            return None
        image = mmmultas_runtime.read(path)
        if self.model.meta['form'] == 'raw':
            return {'images': self.model.prepared(image)}
        return {'image': image}


def judge(cfg: Any, paths: Sequence[str | Path]) -> list[dict[str, float]]:
    """Metrics of files on the test data of a config.

    Args:
        cfg: The config of the checkpoint.
        paths: ONNX files.

    Raises:
        DataError: The data are not there.
    """
    results = []
    with tempfile.TemporaryDirectory() as folder:
        cfg.work_dir, cfg.log_level = folder, 'ERROR'
        cfg.load_from, cfg.resume = None, False
        # hooks of the training may write beside its results
        cfg.custom_hooks = []
        cfg.default_hooks = {
            key: hook for key, hook in (cfg.get('default_hooks')
                                        or {}).items() if key != 'pictures'}
        runner = build_runner(cfg)
        for path in paths:
            answer_by(runner, path)
            found: Mapping[str, Any] = runner.test()
            results.append({k: float(v) for k, v in found.items()})
    return results
