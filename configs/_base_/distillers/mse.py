# Features of a teacher per task, mean squared difference (SPEC 8). Teachers
# see all images; `sees='annotated'` or 'other' limits them.
feats = dict(feats=dict(type='ModuleOutputs', source='neck'))
mse = dict(type='mmmultas.FeatureMSE', weight=5.0)
projection = dict(
    type='mmmultas.LevelProjection',
    in_channels=256,
    out_channels=256,
    num_levels=4)

# a checkpoint, or a folder that holds some
teachers = dict(
    det=dict(
        cfg='configs/multas/rn50_pafpn_det.py',
        checkpoint='work_dirs/rn50_pafpn_det',
        sees='both'),
    seg=dict(
        cfg='configs/multas/rn50_pafpn_seg.py',
        checkpoint='work_dirs/rn50_pafpn_seg',
        sees='both'))
distiller = dict(
    student_recorders=feats,
    teacher_recorders=dict(det=feats, seg=feats),
    connectors=dict(det=projection, seg=projection),
    distill_losses=dict(loss_mse_det=mse, loss_mse_seg=mse),
    loss_forward_mappings=dict(
        loss_mse_det=dict(
            student=dict(from_student=True, recorder='feats', connector='det'),
            teacher=dict(from_student=False, teacher='det', recorder='feats')),
        loss_mse_seg=dict(
            student=dict(from_student=True, recorder='feats', connector='seg'),
            teacher=dict(from_student=False, teacher='seg',
                         recorder='feats'))))
