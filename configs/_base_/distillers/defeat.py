# DeFeat from a detection teacher (SPEC 8): features inside and outside of
# the annotated boxes apart; so only images with boxes take part.
_base_ = './mse.py'

teachers = dict(_delete_=True, det=dict(_base_.teachers.det, sees='annotated'))
distiller = dict(
    _delete_=True,
    student_recorders=_base_.feats,
    teacher_recorders=dict(det=_base_.feats),
    connectors=dict(det=_base_.projection),
    distill_losses=dict(loss_defeat=dict(type='mmmultas.DeFeat')),
    loss_forward_mappings=dict(
        loss_defeat=_base_.distiller.loss_forward_mappings.loss_mse_det))
