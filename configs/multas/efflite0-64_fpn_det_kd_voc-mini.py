_base_ = [
    './efflite0-64_fpn_det_voc-mini.py',
    '../_base_/distillers/mse_efflite0.py'
]

model = dict(
    _delete_=True,
    type='mmmultas.MultiTeacherDistill',
    architecture=_base_.model,
    teachers=dict(det=_base_.teachers.det),
    distiller=dict(
        student_recorders=_base_.feats,
        teacher_recorders=dict(det=_base_.feats),
        connectors=dict(det=_base_.projection),
        distill_losses=dict(loss_mse_det=_base_.mse),
        loss_forward_mappings=dict(
            loss_mse_det=_base_.distiller.loss_forward_mappings.loss_mse_det)))
