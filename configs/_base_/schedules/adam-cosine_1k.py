# `adam-cosine.py` for 1,000 updates: its former name, kept for one release.
_base_ = './adam-cosine.py'

max_epochs = 4

train_cfg = dict(max_epochs=max_epochs, val_interval=max_epochs)
