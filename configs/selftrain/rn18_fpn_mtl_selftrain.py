# [P2] Table 6: half of the boxes, all masks, and the soft labels of a
# detection teacher on every image.
_base_ = [
    '../multas/rn18_fpn_mtl_half-det.py', '../_base_/distillers/soft_det.py'
]

model = dict(
    _delete_=True,
    type='mmmultas.MultiTeacherDistill',
    architecture=_base_.model,
    teachers=dict(
        det=dict(
            cfg='configs/multas/rn50_pafpn_det_half.py',
            checkpoint='work_dirs/rn50_pafpn_det_half')),
    distiller=_base_.distiller)
