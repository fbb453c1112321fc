# Joint Dense FixMatch: the moving average of the network, which sees the
# plain picture, gives the label that an image lacks (docs/weak_losses.md).
_base_ = '../multas/efflite0-64_fpn_mtl_voc-mini.py'

model = dict(
    companions=dict(average=dict(type='mmmultas.ConsistencyTeacher')))

plain = [
    t for t in _base_.train_pipeline
    if t['type'] != 'mmmultas.PhotometricJitter'
]
train_pipeline = [
    *plain[:-1],
    dict(type='mmmultas.KeepTeacherView'),
    dict(type='mmmultas.PhotometricJitter'),
    dict(type='mmmultas.RandomGrey'),
    dict(type='mmmultas.RandomBlur'), plain[-1]
]
train_dataloader = dict(
    det=dict(dataset=dict(pipeline=train_pipeline)),
    seg=dict(dataset=dict(pipeline=train_pipeline)))

# faster than that of the plain training: it is the teacher
custom_hooks = [
    dict(
        type='EMAHook',
        ema_type='ExpMomentumEMA',
        momentum=1e-3,
        gamma=200,
        update_buffers=True)
]
