_base_ = './rn18_fpn_det_selftrain_vedai.py'

model = dict(
    distiller=dict(
        student_recorders=_base_.feats,
        teacher_recorders=dict(det=_base_.feats),
        connectors=dict(det=_base_.projection),
        distill_losses=dict(loss_mse=_base_.mse),
        loss_forward_mappings=dict(loss_mse=_base_.feats_of_det)))
