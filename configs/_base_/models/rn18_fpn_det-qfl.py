# [P2]'s student: detection alone, one-hot quality focal loss.
_base_ = './rn18_fpn.py'

model = dict(
    heads=dict(
        det=dict(
            loss_cls=dict(_delete_=True, type='mmmultas.QualityFocalLoss')),
        seg=None),
    task_weights=dict(_delete_=True, det=1.0))
