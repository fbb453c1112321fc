_base_ = [
    './rn18_fpn_det_supervised_vedai.py', '../_base_/distillers/pdf_vedai.py'
]

feats = dict(feats=_base_.outputs.feats)
model = dict(
    _delete_=True,
    type='mmmultas.MultiTeacherDistill',
    architecture=_base_.model,
    teachers=_base_.teachers,
    distiller=dict(
        student_recorders=feats,
        teacher_recorders=dict(det=feats),
        connectors=_base_.distiller.connectors,
        distill_losses=dict(loss_mse=_base_.mse),
        loss_forward_mappings=dict(
            loss_mse=dict(
                student=_base_.pdf.student, teacher=_base_.pdf.teacher))))
custom_hooks = _base_.kd_hooks
