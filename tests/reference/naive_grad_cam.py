"""Grad-CAM position by position."""


def grad_cam(activation, gradient):
    """Lists of lists of lists (C, H, W) to one of (H, W)."""
    height, width = len(activation[0]), len(activation[0][0])
    weights = []
    for channel in gradient:
        total = 0.0
        for row in channel:
            for value in row:
                total += value
        weights.append(total / (height * width))
    cam = []
    for y in range(height):
        cam.append([])
        for x in range(width):
            value = 0.0
            for weight, channel in zip(weights, activation):
                value += weight * channel[y][x]
            cam[-1].append(max(value, 0.0))
    return cam
