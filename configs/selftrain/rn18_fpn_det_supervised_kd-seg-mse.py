# [P2] Table 5: a segmentation teacher for a detection student.
_base_ = [
    './rn18_fpn_det_supervised.py', '../_base_/distillers/mse.py'
]

model = dict(
    _delete_=True,
    type='mmmultas.MultiTeacherDistill',
    architecture=_base_.model,
    teachers=dict(seg=dict(_base_.teachers.seg, sees='other')),
    distiller=dict(
        student_recorders=_base_.feats,
        teacher_recorders=dict(seg=_base_.feats),
        connectors=dict(seg=_base_.projection),
        distill_losses=dict(loss_mse_seg=_base_.mse),
        loss_forward_mappings=dict(
            loss_mse_seg=_base_.distiller.loss_forward_mappings.loss_mse_seg)))
