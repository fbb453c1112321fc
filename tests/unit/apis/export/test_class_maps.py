import pytest
import torch
import torch.nn.functional as F

from mmmultas.apis.export.class_maps import LargestClass
from mmmultas.apis.export.onnx_file import session_of, write_by_torchscript

onnx = pytest.importorskip('onnx', reason='pip install onnx onnxruntime')


@pytest.mark.parametrize('align', [False, True])
def test_the_largest_of_enlarged_scores(align, tmp_path):
    class Graph(torch.nn.Module):
        def forward(self, x):
            size = torch.tensor([1, 13, 17, 5])
            return LargestClass.apply(x, size, align)

    torch.manual_seed(0)
    x = torch.randn(1, 5, 4, 6)
    want = F.interpolate(x, size=(13, 17), mode='bilinear',
                         align_corners=align).argmax(1)
    assert torch.equal(Graph()(x), want)
    path = tmp_path / 'x.onnx'
    write_by_torchscript(Graph().eval(), x, path, (['x'], ['y']), {})
    found = session_of(path).run(None, {'x': x.numpy()})[0]
    assert (torch.from_numpy(found) == want).all()
    kinds = [node.op_type for node in onnx.load(path).graph.node]
    assert kinds.index('Transpose') < kinds.index('Resize')
