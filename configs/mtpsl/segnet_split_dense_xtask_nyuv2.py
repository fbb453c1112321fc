# X-task consistency, NYUv2, all labels: perceptual, by frozen networks.
_base_ = './segnet_split_dense_nyuv2.py'

model = dict(
    loss_mean='labels',
    companions=dict(
        xtc=dict(
            type='mmmultas.PerceptualMapping',
            view='first',
            checkpoint='work_dirs/segnet_split_dense_maps_nyuv2/'
            'epoch_200.pth')))
train_dataloader = dict(
    train=dict(dataset=dict(regime=dict(_delete_=True, regime='full'))))
