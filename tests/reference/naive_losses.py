"""Losses of SPEC 4, entry by entry."""
import math


def _sigmoid(x):
    return 1 / (1 + math.exp(-x))


def focal(logits, targets, alpha=0.25, gamma=1.0):
    total = 0.0
    for row, target_row in zip(logits, targets):
        for x, t in zip(row, target_row):
            p = _sigmoid(x)
            if t == 1:
                total += -alpha * (1 - p)**gamma * math.log(p)
            else:
                total += -(1 - alpha) * p**gamma * math.log(1 - p)
    return total


def quality_focal(logits, targets, beta=2.0):
    total = 0.0
    for row, target_row in zip(logits, targets):
        for x, t in zip(row, target_row):
            p = _sigmoid(x)
            bce = -(t * math.log(p) + (1 - t) * math.log(1 - p))
            total += abs(t - p)**beta * bce
    return total


def balanced_l1(preds, targets, alpha=0.5, gamma=1.5, beta=0.11):
    b = math.e**(gamma / alpha) - 1
    total = 0.0
    for x, t in zip(preds, targets):
        d = abs(x - t)
        if d < beta:
            total += alpha / b * (b * d + 1) * math.log(b * d / beta +
                                                        1) - alpha * d
        else:
            total += gamma * d + gamma / b - alpha * beta
    return total


def cross_entropy(logits, labels, ignore=255):
    """``logits`` is a list of pixels, each a list of class scores."""
    total = 0.0
    for scores, label in zip(logits, labels):
        if label != ignore:
            total += math.log(sum(math.exp(s)
                                  for s in scores)) - scores[label]
    return total


def partial_cross_entropy(logits, labels, asked, ignore=255):
    """A pixel of a class that nobody looked for may be any of these.

    ``logits`` is a list of pixels, each a list of class scores; ``asked``
    the classes that somebody looked for.
    """
    total = 0.0
    for scores, label in zip(logits, labels):
        if label == ignore:
            continue
        whole = sum(math.exp(s) for s in scores)
        may_be = [label] if label in asked else [
            k for k in range(len(scores)) if k not in asked]
        total -= math.log(sum(math.exp(scores[k]) / whole for k in may_be))
    return total


def partial_focal(logits, targets, asked, alpha=0.25, gamma=1.0):
    """Focal loss of the classes that somebody looked for."""
    return focal([[row[k] for k in asked] for row in logits],
                 [[row[k] for k in asked] for row in targets], alpha, gamma)
