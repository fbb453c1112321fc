# [P2] Table 6: soft labels alone on the images of the detection set, of which
# the teacher saw half with its boxes; nobody reads a box here.
_base_ = [
    './rn18_fpn_det_supervised_voc-partial.py',
    '../_base_/distillers/soft_det.py'
]

model = dict(
    _delete_=True,
    type='mmmultas.MultiTeacherDistill',
    architecture=_base_.model,
    teachers=dict(
        det=dict(
            cfg='configs/selftrain/rn50_pafpn_det_teacher_voc-partial.py',
            checkpoint='work_dirs/rn50_pafpn_det_teacher_voc-partial',
            sees='both')),
    distiller=_base_.distiller)
custom_hooks = _base_.kd_hooks
train_dataloader = dict(
    det=None,
    images=dict(
        **dict(_base_.loader, batch_size=_base_.batch_size),
        double_aug=True,
        dataset=dict(
            type=_base_.dataset_type,
            data_root=_base_.data_root,
            subsets=_base_.train_dataloader.det.dataset.subsets,
            tasks=(),
            pipeline=_base_.train_pipeline)))
