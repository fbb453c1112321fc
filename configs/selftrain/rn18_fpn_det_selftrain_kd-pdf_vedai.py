_base_ = './rn18_fpn_det_selftrain_vedai.py'

model = dict(
    distiller=dict(
        student_recorders=_base_.feats,
        teacher_recorders=dict(det=_base_.feats),
        connectors=dict(det=_base_.projection),
        distill_losses=dict(loss_pdf=dict(type='mmmultas.PDFDistill')),
        loss_forward_mappings=dict(loss_pdf=_base_.pdf)))
