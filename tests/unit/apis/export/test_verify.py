import numpy as np

from mmmultas.apis.export.onnx_inferencer import open_model
from mmmultas.apis.export.verify import Differences, compare_predictions
from mmmultas.apis.inferencer import MultiTaskInferencer


def test_file_and_checkpoint_agree(exported, pictures):
    inferencer = MultiTaskInferencer(exported / 'model.pth', 'cpu')
    model = open_model(exported / 'model.onnx')
    found = compare_predictions(inferencer, model, pictures)
    assert not found.failed and found.pictures == 3
    assert len(found.lines) == 7


def test_what_differs_is_named(exported, pictures):
    inferencer = MultiTaskInferencer(exported / 'model.pth', 'cpu')
    model = open_model(exported / 'model.onnx')

    def other(picture):
        found = model(picture)
        found['bboxes'] = found['bboxes'] + .2
        found['seg_map'] = (found['seg_map'] + 1) % 4
        found['maps']['far'] = found['maps']['far'] * 1.1
        return found

    found = compare_predictions(inferencer, other, pictures)
    assert set(found.failed) == {'det', 'seg', 'far'}


def test_boxes_that_one_side_lacks_count(exported, pictures):
    inferencer = MultiTaskInferencer(exported / 'model.pth', 'cpu')
    model = open_model(exported / 'model.onnx')

    def fewer(picture):
        found = model(picture)
        for key in ('bboxes', 'scores', 'labels'):
            found[key] = found[key][1:]
        return found

    found = compare_predictions(inferencer, fewer, pictures)
    assert found.failed == ['det']
    assert Differences(1).failed == [] and np.isfinite(found.pictures)
