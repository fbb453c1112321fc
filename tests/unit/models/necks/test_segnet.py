import pytest
import torch

from mmmultas.models.backbones import SegNetEncoder
from mmmultas.models.heads import SegNetHead
from mmmultas.models.necks import MTANDecoder, SegNetDecoder
from mmmultas.utils.errors import ConfigError

WIDTHS = (4, 4, 8, 8, 8)
WIDE = (64, 128, 256, 512, 1024)


@pytest.mark.parametrize('encoder, decoder, outputs, count', [
    # the released counts hold three unused log sigma
    ({}, {}, (13, 1, 3), 25_055_188 - 3),
    ({}, {}, (7, 1), 25_017_672),
    ({}, {}, (13, ), 24_981_069), ({}, {}, (1, ), 24_980_289),
    ({}, {}, (3, ), 24_980_419),
    (dict(widths=WIDE), dict(widths=WIDE), (13, 1, 3), 43_934_164 - 3),
    (dict(repeats=2), dict(repeats=2), (13, 1, 3), 50_807_764 - 3),
    ({}, dict(num_tasks=3), (13, 1, 3), 44_229_076 - 3)])
def test_parameters_of_the_released_networks(encoder, decoder, outputs,
                                             count):
    neck = MTANDecoder if 'num_tasks' in decoder else SegNetDecoder
    with torch.device('meta'):
        parts = [SegNetEncoder(**encoder), neck(**decoder),
                 *[SegNetHead(n) for n in outputs]]
    assert sum(p.numel() for part in parts for p in part.parameters()) == count


@pytest.mark.parametrize('order', [torch.contiguous_format,
                                   torch.channels_last])
def test_it_goes_back_to_full_size(order):
    torch.manual_seed(0)
    encoder = SegNetEncoder(WIDTHS).to(memory_format=order)
    decoder = SegNetDecoder(WIDTHS).to(memory_format=order)
    encoder.init_weights(), decoder.init_weights()
    x = torch.randn(2, 3, 32, 64)
    level, = decoder(encoder(x.contiguous(memory_format=order)))
    assert level.shape == (2, 4, 32, 64)
    plain, = decoder.to(memory_format=torch.contiguous_format)(
        encoder.to(memory_format=torch.contiguous_format)(x))
    torch.testing.assert_close(level, plain, rtol=1e-4, atol=1e-4)
    level.sum().backward()
    assert all(p.grad is not None for p in encoder.parameters())


def test_attention_gives_a_level_per_task():
    torch.manual_seed(0)
    encoder, decoder = SegNetEncoder(WIDTHS), MTANDecoder(2, WIDTHS)
    encoder.init_weights(), decoder.init_weights()
    first, second = decoder(encoder(torch.randn(1, 3, 32, 32)))
    assert first.shape == second.shape == (1, 4, 32, 32)
    assert not torch.equal(first, second)
    first.sum().backward()
    # of masks those of the first task alone, and all that is shared
    own = [p.grad is not None for p in decoder.see[1].parameters()]
    assert not any(own)
    assert all(p.grad is not None for p in decoder.down.parameters())


def test_bfloat16():
    encoder, decoder = SegNetEncoder(WIDTHS), SegNetDecoder(WIDTHS)
    with torch.autocast('cpu', torch.bfloat16):
        level, = decoder(encoder(torch.randn(1, 3, 32, 32)))
    assert level.dtype == torch.bfloat16
    level.float().sum().backward()


def test_another_backbone():
    with pytest.raises(ConfigError, match='SegNetEncoder'):
        SegNetDecoder(WIDTHS)((torch.zeros(1, 3, 8, 8), ))
