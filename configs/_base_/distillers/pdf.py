# PDF-Distil from a detection teacher (SPEC 8): features, classes and boxes
# where the two heads disagree.
_base_ = './mse.py'

outputs = dict(
    feats=dict(type='ModuleOutputs', source='neck'),
    outs=dict(type='ModuleOutputs', source='heads.det'))
pdf = dict(
    student=dict(from_student=True, recorder='feats', connector='det'),
    teacher=dict(from_student=False, teacher='det', recorder='feats'),
    student_outputs=dict(from_student=True, recorder='outs'),
    teacher_outputs=dict(from_student=False, teacher='det', recorder='outs'))
teachers = dict(_delete_=True, det=dict(_base_.teachers.det, sees='annotated'))
distiller = dict(
    _delete_=True,
    student_recorders=outputs,
    teacher_recorders=dict(det=outputs),
    connectors=dict(det=_base_.projection),
    distill_losses=dict(loss_pdf=dict(type='mmmultas.PDFDistill')),
    loss_forward_mappings=dict(loss_pdf=pdf))
