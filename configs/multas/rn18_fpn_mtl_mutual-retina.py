# mmdet's RetinaHead under mutual guidance ([P2]'s teachers, SPEC 3 and 4).
_base_ = './rn18_fpn_mtl_stock-heads.py'

model = dict(
    heads=dict(
        det=dict(
            type='mmmultas.MatchedRetinaHead',
            assigner=dict(type='mmmultas.MutualGuideMatcher'),
            loss_cls=dict(_delete_=True, type='mmmultas.QualityFocalLoss'),
            loss_bbox=dict(_delete_=True, type='mmmultas.BalancedL1Loss'),
            train_cfg=None)))
