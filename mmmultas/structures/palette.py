"""PASCAL VOC's colours, one for every class number."""

__all__ = ['voc_colour']


def voc_colour(index: int) -> tuple[int, int, int]:
    """RGB colour of class ``index``, 0..255; 0 is black, the background.

    The bits of the number are dealt to the three channels in turn.

    Example:
        >>> [voc_colour(i) for i in (0, 1, 2, 20)]
        [(0, 0, 0), (128, 0, 0), (0, 128, 0), (0, 64, 128)]
    """
    channels = [0, 0, 0]
    for bit in range(8):
        for channel in range(3):
            channels[channel] |= (index >> channel & 1) << 7 - bit
        index >>= 3
    return channels[0], channels[1], channels[2]
