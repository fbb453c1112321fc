# `distiller=_base_.alone.det` or `.seg`: features of one task's teacher.
_base_ = './mse.py'

alone = {
    task: dict(
        student_recorders=_base_.feats,
        teacher_recorders={task: _base_.feats},
        connectors={task: _base_.projection},
        distill_losses={loss: _base_.mse},
        loss_forward_mappings={
            loss: _base_.distiller.loss_forward_mappings[loss]
        }) for task, loss in (('det', 'loss_mse_det'), ('seg', 'loss_mse_seg'))
}
