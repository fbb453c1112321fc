# Nobody reads a box of these images: the foreground is where the teacher is
# sure of one. Its boxes are no labels (weight 0).
_base_ = './rn18_fpn_det_selftrain_vedai.py'

model = dict(
    distiller=dict(
        student_recorders=_base_.feats,
        teacher_recorders=dict(det=_base_.feats),
        connectors=dict(det=_base_.projection),
        distill_losses=dict(
            loss_defeat=dict(
                type='mmmultas.DeFeat', boxes='pseudo_instances')),
        loss_forward_mappings=dict(loss_defeat=_base_.feats_of_det),
        pseudo_labels=dict(det=dict(min_score=0.5, weight=0))))
