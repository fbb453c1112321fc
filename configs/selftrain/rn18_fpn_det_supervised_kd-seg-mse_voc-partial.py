# [P2] Table 5: a segmentation teacher for a detection student,
# half of the boxes.
_base_ = [
    './rn18_fpn_det_supervised_voc-partial.py',
    '../_base_/distillers/mse_alone.py'
]

model = dict(
    _delete_=True,
    type='mmmultas.MultiTeacherDistill',
    architecture=_base_.model,
    teachers=dict(
        seg=dict(
            cfg='configs/selftrain/rn50_pafpn_seg_teacher_voc-partial.py',
            checkpoint='work_dirs/rn50_pafpn_seg_teacher_voc-partial',
            sees='other')),
    distiller=_base_.alone.seg)
custom_hooks = _base_.kd_hooks
