"""Boxes and matching as one would explain them on paper."""


def iou(a, b):
    """Overlap of two xyxy boxes."""
    width = min(a[2], b[2]) - max(a[0], b[0])
    height = min(a[3], b[3]) - max(a[1], b[1])
    inter = max(width, 0) * max(height, 0)
    areas = [(x[2] - x[0]) * (x[3] - x[1]) for x in (a, b)]
    union = sum(areas) - inter
    return inter / union if union else 0.0


def match(anchors, boxes):
    """Best box of each anchor; each box then claims its best anchor."""
    best = []
    for anchor in anchors:
        overlaps = [iou(anchor, box) for box in boxes]
        best.append((max(overlaps), overlaps.index(max(overlaps))))
    for j, box in enumerate(boxes):
        overlaps = [iou(anchor, box) for anchor in anchors]
        best[overlaps.index(max(overlaps))] = (1.0, j)
    return best
