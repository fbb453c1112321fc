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


def box_overlap(a, b):
    """IoU of two boxes as VOC counts pixels."""
    width = min(a[2], b[2]) - max(a[0], b[0]) + 1
    height = min(a[3], b[3]) - max(a[1], b[1]) + 1
    if width <= 0 or height <= 0:
        return 0.0

    def area(box):
        return (box[2] - box[0] + 1) * (box[3] - box[1] + 1)

    inter = width * height
    return inter / (area(a) + area(b) - inter)


def box_confusion(boxes, labels, truth, true_labels, difficult, num_classes,
                  iou_thr):
    """Take the best pair that is left, until none overlaps enough."""
    counts = [[0] * (num_classes + 1) for _ in range(num_classes + 1)]
    left = list(range(len(boxes)))
    free = list(range(len(truth)))
    while True:
        pairs = [(box_overlap(boxes[i], truth[j]), i, j)
                 for i in left for j in free]
        pairs = [pair for pair in pairs if pair[0] > iou_thr]
        if not pairs:
            break
        _, i, j = max(pairs, key=lambda pair: pair[0])
        left.remove(i)
        if difficult[j]:
            continue
        free.remove(j)
        counts[true_labels[j]][labels[i]] += 1
    for i in left:
        counts[num_classes][labels[i]] += 1
    for j in free:
        if not difficult[j]:
            counts[true_labels[j]][num_classes] += 1
    return counts
