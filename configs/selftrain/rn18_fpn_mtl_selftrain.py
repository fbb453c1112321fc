# [P2] Table 6: half of the boxes, all masks, and the soft labels of a
# detection teacher on every image.
_base_ = [
    './rn18_fpn_mtl_supervised.py', '../_base_/distillers/soft_det.py'
]

model = dict(
    _delete_=True,
    type='mmmultas.MultiTeacherDistill',
    architecture=_base_.model,
    teachers=dict(
        det=dict(
            cfg='configs/selftrain/rn50_pafpn_det_teacher_voc-partial.py',
            checkpoint='work_dirs/rn50_pafpn_det_teacher_voc-partial')),
    distiller=_base_.distiller)
custom_hooks = _base_.kd_hooks
