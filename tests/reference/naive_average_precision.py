"""AP as the VOC development kit does it: loops, one threshold at a time."""


def overlap(a, b):
    width = min(a[2], b[2]) - max(a[0], b[0]) + 1
    height = min(a[3], b[3]) - max(a[1], b[1]) + 1
    if width <= 0 or height <= 0:
        return 0.0
    inter = width * height
    area_a = (a[2] - a[0] + 1) * (a[3] - a[1] + 1)
    area_b = (b[2] - b[0] + 1) * (b[3] - b[1] + 1)
    return inter / (area_a + area_b - inter)


def area(recall, precision):
    recall = [0.0, *recall, 1.0]
    precision = [0.0, *precision, 0.0]
    for i in range(len(precision) - 2, -1, -1):
        precision[i] = max(precision[i], precision[i + 1])
    return sum((recall[i] - recall[i - 1]) * precision[i]
               for i in range(1, len(recall)))


def eleven_points(recall, precision):
    total = 0.0
    for step in range(11):
        reached = [
            p for r, p in zip(recall, precision) if r >= step * 0.1
        ]
        total += max(reached, default=0.0)
    return total / 11


def voc_ap(detections, truth, threshold, mode):
    """AP of one class, None without ground truth.

    Args:
        detections: (image, score, box) triples.
        truth: image -> list of (box, difficult).
        threshold: An overlap must be greater.
        mode: 'area' or '11points'.
    """
    num_gt = sum(not hard for boxes in truth.values() for _, hard in boxes)
    if num_gt == 0:
        return None
    taken = set()
    right = wrong = 0
    recall, precision = [], []
    for image, _, box in sorted(detections, key=lambda d: -d[1]):
        best, partner = 0.0, None
        for number, (gt_box, _) in enumerate(truth.get(image, [])):
            value = overlap(box, gt_box)
            if value > best:
                best, partner = value, number
        if best > threshold:
            if not truth[image][partner][1]:
                if (image, partner) in taken:
                    wrong += 1
                else:
                    taken.add((image, partner))
                    right += 1
        else:
            wrong += 1
        recall.append(right / num_gt)
        precision.append(right / max(right + wrong, 1))
    if mode == 'area':
        return area(recall, precision)
    return eleven_points(recall, precision)
