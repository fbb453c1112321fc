"""A saved model at work: what notebooks and other programs call."""
from mmmultas.utils.moved import MovedModules, moved

from .inferencer import MultiTaskInferencer
from .writers import MapWriter

__all__ = ['MapWriter', 'MultiTaskInferencer']

#: Until 0.2: what was here before the rooms were named for their purpose.
_MOVED = {
    'analysis': ('benchmark', 'browse', 'comparison', 'complexity',
                 'error_analysis', 'grad_cam', 'grad_cam_pictures',
                 'pr_curves', 'run_logs', 'saved_predictions'),
    'experiments': ('jobs', 'matrix', 'matrix_run'),
    'projects': ('config_template', 'data_check', 'data_report',
                 'data_sources', 'new_project'),
    'report': ('blocks', 'build', 'cams', 'classes', 'collect', 'curves',
               'judged', 'markdown', 'page', 'pictures', 'scores', 'style',
               'svg', 'tables', 'tested'),
}
_PLACES = {
    f'{__name__}.{"report." if room == "report" else ""}{name}':
    [f'mmmultas.{room}.{name}']
    for room, names in _MOVED.items() for name in names
}
_PLACES[f'{__name__}.report'] = ['mmmultas.report']
_PLACES[f'{__name__}.data_sources'].append('mmmultas.projects.mask_sources')
_PLACES[f'{__name__}.error_analysis'].append('mmmultas.utils.run_files')
MovedModules(_PLACES).install()
__getattr__ = moved(__name__, 'mmmultas.analysis')
