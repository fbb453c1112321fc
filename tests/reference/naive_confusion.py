"""Confusion matrix and IoU, pixel by pixel."""


def confusion(prediction, target, num_classes, ignore_index=255):
    counts = [[0] * num_classes for _ in range(num_classes)]
    for row_p, row_t in zip(prediction, target):
        for p, t in zip(row_p, row_t):
            if t != ignore_index:
                counts[t][p] += 1
    return counts


def class_iou(counts):
    """IoU per class, None where there is neither truth nor prediction."""
    scores = []
    for k, row in enumerate(counts):
        union = sum(row) + sum(other[k] for other in counts) - row[k]
        scores.append(row[k] / union if union else None)
    return scores


def nearest(labels, height, width):
    rows, columns = len(labels), len(labels[0])
    return [[labels[y * rows // height][x * columns // width]
             for x in range(width)] for y in range(height)]
