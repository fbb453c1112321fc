# Soft labels alone, on the half whose boxes nobody reads.
_base_ = [
    './efflite0-64_fpn_det_supervised_voc-mini.py',
    '../_base_/distillers/soft_det.py'
]

rest = dict(_base_.half, rest=True)
model = dict(
    _delete_=True,
    type='mmmultas.MultiTeacherDistill',
    architecture=_base_.model,
    teachers=dict(
        det=dict(
            cfg='configs/selftrain/efflite0-128_fpn_det_teacher_voc-mini.py',
            checkpoint='work_dirs/efflite0-128_fpn_det_teacher_voc-mini')),
    distiller=_base_.distiller)
train_dataloader = dict(
    det=None,
    images=dict(
        **_base_.loader,
        dataset=dict(
            type=_base_.dataset_type,
            data_root=_base_.data_root,
            subsets=[dict(root='VOC2012', ids=rest)],
            tasks=(),
            pipeline=_base_.train_pipeline)))
