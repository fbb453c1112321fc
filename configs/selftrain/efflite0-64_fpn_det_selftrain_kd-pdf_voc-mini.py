# Soft labels and the features, classes and boxes of PDF-Distil.
_base_ = './efflite0-64_fpn_det_selftrain_voc-mini.py'

model = dict(
    distiller=dict(
        student_recorders=_base_.feats,
        teacher_recorders=dict(det=_base_.feats),
        connectors=dict(
            det=dict(_base_.projection, in_channels=64, out_channels=128)),
        distill_losses=dict(loss_pdf=dict(type='mmmultas.PDFDistill')),
        loss_forward_mappings=dict(loss_pdf=_base_.pdf)))
