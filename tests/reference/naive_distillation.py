"""Losses of SPEC 8, number by number; levels are nested (C, H, W) lists."""
import math


def _sigmoid(x):
    return 1 / (1 + math.exp(-x))


def _places(levels):
    """Feature vectors, level by level and row by row."""
    for level in levels:
        for y in range(len(level[0])):
            for x in range(len(level[0][0])):
                yield [channel[y][x] for channel in level]


def _anchors(levels, channels):
    """Vectors of ``channels`` numbers, the anchors of a place together."""
    for place in _places(levels):
        for start in range(0, len(place), channels):
            yield place[start:start + channels]


def _gap(ours, theirs):
    return [(_sigmoid(s) - _sigmoid(t))**2 for s, t in zip(ours, theirs)]


def _entropy(x, target):
    p = _sigmoid(x)
    return -target * math.log(p) - (1 - target) * math.log(1 - p)


def feature_mse(student, teacher):
    """Images of levels."""
    total = count = 0
    for ours, theirs in zip(student, teacher):
        for a, b in zip(_places(ours), _places(theirs)):
            total += sum((s - t)**2 for s, t in zip(a, b))
            count += len(a)
    return total / count


def pdf(feats, scores, boxes, classes):
    """Pairs (student, teacher) of images of levels: three terms."""
    weight_sum = feature = entropy = believed = l1 = numbers = 0.0
    for image in range(len(feats[0])):
        gaps = [
            _gap(a, b) for a, b in zip(
                _anchors(scores[0][image], classes),
                _anchors(scores[1][image], classes))
        ]
        places = list(
            zip(_places(feats[0][image]), _places(feats[1][image])))
        each = len(gaps) // len(places)
        for i, (ours, theirs) in enumerate(places):
            some = gaps[i * each:(i + 1) * each]
            weight = sum(math.sqrt(sum(gap)) for gap in some) / each
            feature += weight * sum(
                (s - t)**2 for s, t in zip(ours, theirs))
            weight_sum += weight * len(ours)
        for gap, ours, theirs in zip(gaps, _anchors(scores[0][image], classes),
                                     _anchors(scores[1][image], classes)):
            for d, s, t in zip(gap, ours, theirs):
                entropy += d * _entropy(s, _sigmoid(t))
                believed += t > 0
        for ours, theirs in zip(_anchors(boxes[0][image], 4),
                                _anchors(boxes[1][image], 4)):
            l1 += sum(abs(s - t) for s, t in zip(ours, theirs))
            numbers += 4
    return feature / weight_sum, entropy / believed, l1 / numbers


def defeat(student, teacher, boxes, stride):
    """Foreground and background by locations; ``stride`` of each level."""
    sums, counts = [0.0, 0.0], [0, 0]
    for ours, theirs, own_boxes in zip(student, teacher, boxes):
        for a, b, step in zip(ours, theirs, stride):
            for y in range(len(a[0])):
                for x in range(len(a[0][0])):
                    cx, cy = (x + 0.5) * step, (y + 0.5) * step
                    inside = any(x1 <= cx <= x2 and y1 <= cy <= y2
                                 for x1, y1, x2, y2 in own_boxes)
                    counts[not inside] += 1
                    sums[not inside] += sum(
                        (p[y][x] - q[y][x])**2 for p, q in zip(a, b))
    return [
        s / max(1, 2 * n) / len(student) for s, n in zip(sums, counts)
    ]


def soft_scores(student, teacher, classes, alpha=0.25, gamma=1.0):
    """Balanced cross-entropy, mean over all scores."""
    total = count = 0
    for ours, theirs in zip(student, teacher):
        for a, b in zip(_anchors(ours, classes), _anchors(theirs, classes)):
            for s, score in zip(a, b):
                p, t = _sigmoid(s), _sigmoid(score)
                weight = (alpha * t + (1 - alpha) * (1 - t)) * (
                    (1 - p) * t + p * (1 - t))**gamma
                total += weight * _entropy(s, t)
                count += 1
    return total / count


def box_rows(levels):
    """The anchors' boxes of one image."""
    return list(_anchors(levels, 4))
