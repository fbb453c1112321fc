# Hard pseudo-labels instead of soft ones.
_base_ = './efflite0-64_fpn_det_selftrain_voc-mini.py'

model = dict(
    distiller=dict(
        student_recorders=None,
        teacher_recorders=None,
        distill_losses=None,
        loss_forward_mappings=None,
        pseudo_labels=dict(det=dict(min_score=0.5))))
