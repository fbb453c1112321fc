_base_ = [
    './rn18_fpn_det_supervised.py', '../_base_/distillers/mse.py'
]

teacher = dict(
    cfg='configs/selftrain/rn50_pafpn_det_teacher.py',
    checkpoint='work_dirs/rn50_pafpn_det_teacher')
model = dict(
    _delete_=True,
    type='mmmultas.MultiTeacherDistill',
    architecture=_base_.model,
    teachers=dict(det=teacher),
    distiller=dict(
        student_recorders=_base_.feats,
        teacher_recorders=dict(det=_base_.feats),
        connectors=dict(det=_base_.projection),
        distill_losses=dict(loss_mse_det=_base_.mse),
        loss_forward_mappings=dict(
            loss_mse_det=_base_.distiller.loss_forward_mappings.loss_mse_det)))
