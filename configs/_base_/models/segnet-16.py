# SegNet of a quarter of the channels: 1.6 million parameters.
_base_ = './segnet.py'

widths = (16, 32, 64, 128, 128)
# With factors of 1 or 2 what these terms send into the encoder is 8 to 80
# times as long as the gradient of all labels at the start, and a short run
# does not recover from it (docs/consistency.md). Here it is about as long.
term_weights = dict(
    xtc=0.02, direct=0.02, perceptual=0.02, contrast=0.2, discriminator=0.06)

model = dict(
    backbone=dict(widths=widths),
    neck=dict(widths=widths),
    heads=dict(
        seg=dict(num_classes=5, in_channels=16),
        depth=dict(in_channels=16),
        normals=dict(in_channels=16)))
