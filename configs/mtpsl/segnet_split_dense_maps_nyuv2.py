# Networks that draw one task of NYUv2 from another, learnt from all labels:
# those of X-task consistency.
_base_ = './segnet_split_dense_nyuv2.py'

model = dict(
    loss_mean='labels',
    companions=dict(
        xtc=dict(
            type='mmmultas.DirectMapping', source='labels', view='first')))
train_dataloader = dict(
    train=dict(dataset=dict(regime=dict(_delete_=True, regime='full'))))
