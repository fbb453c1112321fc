"""Versions, operators, bfloat16: what runs on this machine.

``python -m mmmultas.utils.collect_env``; issue forms ask for it. It is
made for environments that are broken, too: what cannot be imported is named
with the reason, and the rest goes on.
"""
import os
import platform
import sys
import warnings
from collections.abc import Callable
from contextlib import redirect_stdout
from importlib import import_module, metadata
from io import StringIO

from mmmultas.utils.operators import are_compiled
from mmmultas.utils.resources import clone, commit
from mmmultas.version import STACK, __version__, check_stack

__all__ = ['collect_env', 'main']

#: Module → distributions that bring it. More than one of a line in one
#: environment overwrite each other's files.
_MODULES = {
    'torch': ('torch', ),
    **{name: tuple(dist for dist, *_ in family)
       for name, family in STACK.items()},
    'numpy': ('numpy', ),
    'PIL': ('pillow', ),
    'cv2': ('opencv-python-headless', 'opencv-python',
            'opencv-contrib-python', 'opencv-contrib-python-headless'),
}
#: Of MMEngine's own report, what helps here; its name → ours.
_BASE = {'GCC': 'C++ compiler', 'CUDA_HOME': 'CUDA_HOME', 'NVCC': 'NVCC'}
_VARIABLES = ('MMMULTAS_', 'OMP_', 'MKL_NUM', 'CUDA_VISIBLE')


def collect_env() -> dict[str, str]:
    """What is installed, and what the machine can do.

    Returns:
        Name → value, in the order of a reader's questions. What is not there
        reads ``missing``, what cannot be imported ``broken (...)``.
    """
    report = {
        'mmmultas': _ours(),
        'Python': f'{platform.python_version()} ({sys.platform}, '
                  f'{platform.machine()}, {os.cpu_count()} cores)',
    }
    for module, names in _MODULES.items():
        report[module] = _package(module, names)
    report['Family'] = _family()
    report['mmdet.models, mmseg.models'] = _or_reason(_stock)
    report['Operators of mmcv'] = _or_reason(_operators)
    report['GPU'] = _or_reason(_devices)
    report['bfloat16'] = _or_reason(_bf16)
    report.update(_base())
    for name in sorted(os.environ):
        if name.startswith(_VARIABLES):
            report[name] = os.environ[name]
    remarks = _remarks(report)
    if remarks:
        report['Remarks'] = ''.join(f'\n- {remark}' for remark in remarks)
    return report


def _ours() -> str:
    if clone() is None:
        return f'{__version__}, installed'
    return f'{__version__}, clone at {commit() or "an unknown commit"}'


def _package(module: str, names: tuple[str, ...]) -> str:
    """Versions as installed, and whether it can be imported."""
    found = []
    for name in names:
        try:
            found.append(f'{name} {metadata.version(name)}')
        except metadata.PackageNotFoundError:
            continue
    reason = _reason_not_to_import(module)
    if not found:
        return 'missing' if reason else 'there, but of no package'
    return ', '.join(found) + (f', broken ({reason})' if reason else '')


def _reason_not_to_import(module: str) -> str:
    try:
        with redirect_stdout(StringIO()), warnings.catch_warnings():
            warnings.simplefilter('ignore')
            import_module(module)
    except BaseException as error:  # a broken package may even exit
        return _reason(error)
    return ''


def _reason(error: BaseException) -> str:
    return f'{type(error).__name__}: {" ".join(str(error).split())}'


def _or_reason(ask: Callable[[], str]) -> str:
    """An answer, or why there is none."""
    try:
        with redirect_stdout(StringIO()), warnings.catch_warnings():
            warnings.simplefilter('ignore')
            return ask()
    except BaseException as error:
        return f'unknown ({_reason(error)})'


def _family() -> str:
    """Whose MMEngine, MMCV, MMDetection and MMSegmentation are here."""
    has = dict(onedl=0, original=0)
    for packages in STACK.values():
        for dist, *_ in packages:
            try:
                metadata.version(dist)
            except metadata.PackageNotFoundError:
                continue
            has['onedl' if dist.startswith('onedl-') else 'original'] += 1
    names = [name for name, count in has.items() if count]
    if len(names) == 2:
        return 'both, which overwrite each other'
    if not names or has[names[0]] < len(STACK):
        return f'{names[0]}, incomplete' if names else 'missing'
    return names[0]


def _stock() -> str:
    import_module('mmmultas.utils.quiet').import_stock()
    return 'can be imported'


def _operators() -> str:
    import_module('mmcv._ext')  # compiled for another torch, it may fail
    if not are_compiled():
        return 'NumPy (NMS alone; `make operators` compiles the others)'
    ask = import_module('mmcv.ops').get_compiling_cuda_version
    return f'compiled, CUDA {ask()}'


def _devices() -> str:
    torch = import_module('torch')
    if not torch.cuda.is_available():
        built = torch.version.cuda or torch.version.hip
        return f'none (torch is built for {built})' if built else 'none'
    names = [torch.cuda.get_device_name(k)
             for k in range(torch.cuda.device_count())]
    return f'{", ".join(names)} (torch for {torch.version.cuda})'


def _bf16() -> str:
    torch = import_module('torch')
    cpu = import_module('mmmultas.utils.processor').has_bf16()
    words = ['CPU yes' if cpu else 'CPU no']
    if torch.cuda.is_available():
        # older cards take it apart, as older processors do
        has = (torch.version.hip is not None
               or torch.cuda.get_device_capability()[0] >= 8)
        words.append('GPU yes' if has else 'GPU no')
    return ', '.join(words)


def _base() -> dict[str, str]:
    """The part of MMEngine's report that says more than ours."""
    try:
        with redirect_stdout(StringIO()), warnings.catch_warnings():
            warnings.simplefilter('ignore')
            collect = import_module('mmengine.utils.dl_utils').collect_env
            found = collect()
    except BaseException as error:
        return {"MMEngine's report": f'unknown ({_reason(error)})'}
    return {ours: str(found[name]) for name, ours in _BASE.items()
            if name in found}


def _remarks(report: dict[str, str]) -> list[str]:
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')
        remarks = check_stack()
    wanted = {'PIL': 'pillow', 'cv2': 'opencv-python-headless'}
    for name in set(_MODULES) - set(STACK):
        if report[name] == 'missing':
            remarks.append(f'{name} is not installed: run `make env`, or '
                           f'`pip install {wanted.get(name, name)}`.')
    if report['Family'].startswith('both'):
        remarks.append('Packages of both families of OpenMMLab are here: '
                       'remove those of one.')
    if report['cv2'].count('opencv-') > 1:
        remarks.append(
            'Several packages of OpenCV are here, and the last one installed '
            'counts: `pip uninstall opencv-python`, then `pip install '
            '--force-reinstall --no-deps opencv-python-headless`, leaves the '
            'one that needs no screen.')
    if report['GPU'] == 'none' and _reason_not_to_import('torchvision') == '':
        remarks.append('torchvision beside a CPU build of torch stops every '
                       'run: remove it.')
    return sorted(remarks)


def main() -> None:
    """Print the report."""
    for name, value in collect_env().items():
        print(f'{name}: {value}')


if __name__ == '__main__':
    main()
