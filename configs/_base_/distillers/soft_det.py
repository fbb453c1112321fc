# Soft labels of a detection teacher on images whose boxes nobody reads
# (SPEC 8), and what may be added to them.
_base_ = './pdf.py'

outs = dict(outs=dict(type='ModuleOutputs', source='heads.det'))
soft = dict(
    student_outputs=dict(from_student=True, recorder='outs'),
    teacher_outputs=dict(from_student=False, teacher='det', recorder='outs'))
feats_of_det = dict(
    student=_base_.pdf.student, teacher=_base_.pdf.teacher)
teachers = dict(
    _delete_=True,
    det=dict(
        cfg='configs/selftrain/rn50_pafpn_det_teacher.py',
        checkpoint='work_dirs/rn50_pafpn_det_teacher',
        sees='both'))
distiller = dict(
    _delete_=True,
    student_recorders=outs,
    teacher_recorders=dict(det=outs),
    distill_losses=dict(loss_soft=dict(type='mmmultas.SoftDetection')),
    loss_forward_mappings=dict(loss_soft=soft))
