_base_ = [
    './efflite0-64_fpn_seg_voc-mini.py',
    '../_base_/distillers/mse_efflite0.py'
]

model = dict(
    _delete_=True,
    type='mmmultas.MultiTeacherDistill',
    architecture=_base_.model,
    teachers=dict(seg=_base_.teachers.seg),
    distiller=dict(
        student_recorders=_base_.feats,
        teacher_recorders=dict(seg=_base_.feats),
        connectors=dict(seg=_base_.projection),
        distill_losses=dict(loss_mse_seg=_base_.mse),
        loss_forward_mappings=dict(
            loss_mse_seg=_base_.distiller.loss_forward_mappings.loss_mse_seg)))
