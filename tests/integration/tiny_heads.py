"""The smallest config of every head that works (docs/heads.md)."""

IOU = dict(
    assigner=dict(
        type='MaxIoUAssigner', pos_iou_thr=0.5, neg_iou_thr=0.4,
        min_pos_iou=0),
    sampler=dict(type='PseudoSampler'),
    allowed_border=-1,
    pos_weight=-1)
ATSS = dict(
    assigner=dict(type='ATSSAssigner', topk=9),
    allowed_border=-1,
    pos_weight=-1)
TEST = dict(
    nms_pre=100,
    min_bbox_size=0,
    score_thr=0.0,
    nms=dict(type='nms', iou_threshold=0.6),
    max_per_img=5)
STRIDES = (8, 16)
CHANNELS = 32
RANGES = ((-1, 64), (64, 1e8))
ONE = dict(
    type='AnchorGenerator',
    ratios=[1.0],
    octave_base_scale=4,
    scales_per_octave=1,
    strides=STRIDES)
THREE = dict(ONE, scales_per_octave=3)
SQUARE = dict(type='AnchorGenerator', ratios=[1.0], scales=[4],
              strides=STRIDES)
ZEROS = dict(target_means=[0.0] * 4)
WEAK = dict(
    type='DeltaXYWHBBoxCoder', target_stds=[0.1, 0.1, 0.2, 0.2], **ZEROS)
FOCAL = dict(type='FocalLoss', use_sigmoid=True, gamma=2.0, alpha=0.25)
QFL = dict(type='QualityFocalLoss', use_sigmoid=True, beta=2.0)
BCE = dict(type='CrossEntropyLoss', use_sigmoid=True)
GIOU = dict(type='GIoULoss')
RETINA = dict(stacked_convs=1, feat_channels=CHANNELS, train_cfg=IOU)
POINTS = dict(stacked_convs=1, feat_channels=CHANNELS, strides=STRIDES)
FCOS = dict(POINTS, regress_ranges=RANGES)
BY_ATSS = dict(
    stacked_convs=1, feat_channels=CHANNELS, anchor_generator=ONE,
    train_cfg=ATSS)
SSD = dict(
    in_channels=(CHANNELS, CHANNELS, CHANNELS),
    anchor_generator=dict(
        type='SSDAnchorGenerator', scale_major=False, input_size=64,
        strides=(8, 16, 32), min_sizes=(8, 16, 32),
        max_sizes=(16, 32, 64), ratios=([2], [2], [2])),
    train_cfg=dict(IOU, smoothl1_beta=1.0, neg_pos_ratio=3))
ISR = dict(isr=dict(k=2.0, bias=0.0), carl=dict(k=1.0, bias=0.2))
CORNER = dict(
    num_feat_levels=2,
    test_cfg=dict(
        corner_topk=40, local_maximum_kernel=3, distance_threshold=0.5,
        score_thr=0.0, max_per_img=5,
        nms=dict(type='soft_nms', iou_threshold=0.5, method='gaussian')))
RTMDET = dict(
    stacked_convs=1, feat_channels=CHANNELS, with_objectness=False,
    anchor_generator=dict(
        type='MlvlPointGenerator', offset=0, strides=STRIDES),
    bbox_coder=dict(type='DistancePointBBoxCoder'),
    loss_cls=QFL, loss_bbox=GIOU, norm_cfg=dict(type='BN'),
    train_cfg=dict(
        assigner=dict(type='DynamicSoftLabelAssigner', topk=13),
        allowed_border=-1, pos_weight=-1))

#: Head → its config, without `num_classes`, `in_channels` and `test_cfg`.
DENSE = dict(
    ATSSHead=dict(
        BY_ATSS, loss_centerness=BCE, bbox_coder=WEAK, loss_cls=FOCAL,
        loss_bbox=GIOU),
    AnchorHead=dict(
        feat_channels=CHANNELS, train_cfg=IOU, anchor_generator=THREE,
        loss_cls=FOCAL),
    AutoAssignHead=dict(FCOS, loss_bbox=GIOU),
    CenterNetHead=dict(
        feat_channels=CHANNELS, in_index=[0],
        loss_center_heatmap=dict(type='GaussianFocalLoss'),
        loss_wh=dict(type='L1Loss'), loss_offset=dict(type='L1Loss'),
        test_cfg=dict(topk=20, local_maximum_kernel=3, max_per_img=5)),
    CenterNetUpdateHead=dict(
        POINTS, regress_ranges=((0, 80), (64, 1e8))),
    CentripetalHead=dict(
        CORNER, corner_emb_channels=0,
        loss_guiding_shift=dict(type='SmoothL1Loss'),
        loss_centripetal_shift=dict(type='SmoothL1Loss')),
    CornerHead=dict(
        CORNER, corner_emb_channels=1,
        loss_embedding=dict(type='AssociativeEmbeddingLoss')),
    DDODHead=dict(
        BY_ATSS, bbox_coder=WEAK, loss_cls=FOCAL, loss_bbox=GIOU,
        loss_iou=BCE,
        train_cfg=dict(
            ATSS, assigner=dict(type='ATSSAssigner', topk=9, alpha=0.8),
            reg_assigner=dict(type='ATSSAssigner', topk=9, alpha=0.5))),
    FCOSHead=FCOS,
    FSAFHead=dict(
        RETINA, reg_decoded_bbox=True, anchor_generator=dict(
            ONE, octave_base_scale=1),
        bbox_coder=dict(type='TBLRBBoxCoder', normalizer=4.0),
        loss_cls=dict(FOCAL, reduction='none'),
        loss_bbox=dict(type='IoULoss', eps=1e-6, reduction='none'),
        train_cfg=dict(
            assigner=dict(
                type='CenterRegionAssigner', pos_scale=0.2, neg_scale=0.2,
                min_pos_iof=0.01),
            allowed_border=-1, pos_weight=-1)),
    FoveaHead=dict(
        POINTS, base_edge_list=(16, 32), scale_ranges=((1, 64), (32, 128)),
        loss_cls=FOCAL, loss_bbox=dict(type='SmoothL1Loss')),
    FreeAnchorRetinaHead=dict(
        RETINA, anchor_generator=THREE, bbox_coder=WEAK,
        loss_bbox=dict(type='SmoothL1Loss')),
    GFLHead=dict(
        BY_ATSS, loss_cls=QFL, loss_bbox=GIOU,
        loss_dfl=dict(type='DistributionFocalLoss')),
    NASFCOSHead=dict(
        FCOS, norm_cfg=dict(type='GN', num_groups=4, requires_grad=True)),
    PAAHead=dict(
        BY_ATSS, reg_decoded_bbox=True, topk=9, bbox_coder=WEAK,
        loss_cls=FOCAL, loss_bbox=GIOU, loss_centerness=BCE,
        train_cfg=dict(
            assigner=dict(
                type='MaxIoUAssigner', pos_iou_thr=0.1, neg_iou_thr=0.1,
                min_pos_iou=0),
            allowed_border=-1, pos_weight=-1)),
    PISARetinaHead=dict(
        RETINA, anchor_generator=THREE, loss_cls=FOCAL,
        loss_bbox=dict(type='SmoothL1Loss'), train_cfg=dict(IOU, **ISR)),
    PISASSDHead=dict(SSD, train_cfg=dict(SSD['train_cfg'], **ISR)),
    RTMDetHead=RTMDET,
    RTMDetSepBNHead=dict(RTMDET, exp_on_reg=False),
    RepPointsHead=dict(
        stacked_convs=1, feat_channels=CHANNELS,
        point_feat_channels=CHANNELS, point_strides=STRIDES, loss_cls=FOCAL,
        train_cfg=dict(
            init=dict(
                assigner=dict(type='PointAssigner', scale=4, pos_num=1),
                allowed_border=-1, pos_weight=-1),
            refine=dict(
                assigner=IOU['assigner'], allowed_border=-1,
                pos_weight=-1))),
    RetinaHead=dict(RETINA, anchor_generator=THREE, loss_cls=FOCAL),
    RetinaSepBNHead=dict(
        RETINA, num_ins=2, anchor_generator=THREE, loss_cls=FOCAL,
        norm_cfg=dict(type='BN')),
    SABLRetinaHead=dict(
        RETINA, approx_anchor_generator=THREE,
        square_anchor_generator=SQUARE,
        bbox_coder=dict(
            type='BucketingBBoxCoder', num_buckets=14, scale_factor=3.0),
        train_cfg=dict(
            IOU,
            assigner=dict(IOU['assigner'], type='ApproxMaxIoUAssigner'))),
    SSDHead=SSD,
    TOODHead=dict(
        BY_ATSS, num_dcn=0, bbox_coder=WEAK, loss_bbox=GIOU,
        anchor_type='anchor_free',
        initial_loss_cls=dict(FOCAL, activated=True),
        loss_cls=dict(QFL, activated=True),
        train_cfg=dict(
            initial_epoch=4, initial_assigner=ATSS['assigner'],
            assigner=dict(type='TaskAlignedAssigner', topk=13), alpha=1,
            beta=6, allowed_border=-1, pos_weight=-1)),
    VFNetHead=dict(
        FCOS, train_cfg=ATSS, anchor_generator=dict(
            ONE, center_offset=0.0)),
    YOLOFHead=dict(
        in_index=[1], reg_decoded_bbox=True, loss_cls=FOCAL, loss_bbox=GIOU,
        anchor_generator=dict(SQUARE, strides=[16]),
        bbox_coder=dict(
            WEAK, target_stds=[1.0] * 4, add_ctr_clamp=True, ctr_clamp=32),
        train_cfg=dict(
            assigner=dict(
                type='UniformAssigner', pos_ignore_thr=0.15,
                neg_ignore_thr=0.7),
            allowed_border=-1, pos_weight=-1)),
    YOLOV3Head=dict(
        in_channels=(CHANNELS, CHANNELS), out_channels=(CHANNELS, CHANNELS),
        in_index=[1, 0], featmap_strides=(16, 8),
        anchor_generator=dict(
            type='YOLOAnchorGenerator', strides=(16, 8),
            base_sizes=[[(30, 20), (40, 40), (50, 30)],
                        [(10, 13), (16, 30), (33, 23)]]),
        bbox_coder=dict(type='YOLOBBoxCoder'),
        train_cfg=dict(
            assigner=dict(
                type='GridAssigner', pos_iou_thr=0.5, neg_iou_thr=0.5,
                min_pos_iou=0)),
        test_cfg=dict(TEST, conf_thr=0.0)),
    YOLOXHead=dict(
        POINTS, train_cfg=dict(
            assigner=dict(type='SimOTAAssigner', center_radius=2.5))))

PIXELS = dict(type='CrossEntropyLoss', use_sigmoid=False, loss_weight=1.0)
MULTI = dict(in_channels=(CHANNELS, CHANNELS), in_index=(0, 1))
KERNELS = dict(
    type='KernelUpdateHead', num_classes=3, num_ffn_fcs=1, num_heads=2,
    num_mask_fcs=1, feedforward_channels=16, in_channels=CHANNELS,
    out_channels=CHANNELS, dropout=0.0, conv_kernel_size=1,
    ffn_act_cfg=dict(type='ReLU', inplace=True), with_ffn=False,
    feat_transform_cfg=dict(conv_cfg=dict(type='Conv2d'), act_cfg=None),
    kernel_updator_cfg=dict(
        type='KernelUpdator', in_channels=CHANNELS, feat_channels=CHANNELS,
        out_channels=CHANNELS, act_cfg=dict(type='ReLU', inplace=True),
        norm_cfg=dict(type='LN')))
NON_LOCAL = dict(reduction=2)
FFN = dict(
    embed_dims=CHANNELS, feedforward_channels=16, num_fcs=2,
    act_cfg=dict(type='ReLU', inplace=True))
ATTENTION = dict(embed_dims=CHANNELS, num_heads=2, batch_first=True)
POSITIONS = dict(num_feats=CHANNELS // 2, normalize=True)
QUERIES = dict(
    in_channels=(CHANNELS, ) * 4, feat_channels=CHANNELS,
    out_channels=CHANNELS, num_classes=3, num_queries=5,
    enforce_decoder_input_project=False, positional_encoding=POSITIONS,
    transformer_decoder=dict(
        return_intermediate=True, num_layers=1, init_cfg=None,
        layer_cfg=dict(
            self_attn_cfg=ATTENTION, cross_attn_cfg=ATTENTION,
            ffn_cfg=FFN)),
    loss_cls=dict(
        type='mmdet.CrossEntropyLoss', use_sigmoid=False,
        class_weight=[1.0] * 3 + [0.1]),
    loss_dice=dict(
        type='mmdet.DiceLoss', use_sigmoid=True, activate=True,
        naive_dice=True, eps=1.0))
SAMPLED = dict(
    num_points=100, oversample_ratio=3.0, importance_sample_ratio=0.75,
    sampler=dict(type='mmdet.MaskPseudoSampler'))
MATCHED = [dict(type='mmdet.ClassificationCost'),
           dict(type='mmdet.DiceCost', pred_act=True, eps=1.0)]
#: Heads that build their own parts take none of a decode head's keys.
ALONE = ('IterativeDecodeHead', 'Mask2FormerHead', 'MaskFormerHead')
#: Heads whose levels have other strides.
STRIDES_OF = dict(
    CornerHead=(4, 4), CentripetalHead=(4, 4), LRASPPHead=(1, 1, 1),
    Mask2FormerHead=(4, 8, 16, 32), MaskFormerHead=(4, 8, 16, 32),
    PISASSDHead=(8, 16, 32), SSDHead=(8, 16, 32))
#: Head → its config, without what a decode head needs in any case.
DECODE = dict(
    ANNHead=dict(MULTI, project_channels=16),
    APCHead=dict(pool_scales=(1, 2)),
    ASPPHead=dict(dilations=(1, 2)),
    CCHead=dict(recurrence=1),
    DAHead=dict(pam_channels=16),
    DMHead=dict(filter_sizes=(1, 3)),
    DNLHead=dict(NON_LOCAL),
    DepthwiseSeparableASPPHead=dict(
        MULTI, in_channels=CHANNELS, in_index=1, dilations=(1, 2),
        c1_in_channels=CHANNELS, c1_channels=8),
    DepthwiseSeparableFCNHead=dict(num_convs=1),
    EMAHead=dict(ema_channels=16, num_bases=8, num_stages=1),
    EncHead=dict(
        in_channels=(CHANNELS, CHANNELS), in_index=(0, 1), num_codes=4,
        loss_se_decode=dict(PIXELS, use_sigmoid=True, loss_weight=0.2)),
    FCNHead=dict(num_convs=1),
    FPNHead=dict(MULTI, feature_strides=(8, 16)),
    GCHead=dict(ratio=0.25),
    ISAHead=dict(isa_channels=16, down_factor=(2, 2)),
    IterativeDecodeHead=dict(
        num_stages=1, kernel_update_head=[KERNELS],
        kernel_generate_head=dict(
            type='FCNHead', num_convs=1, in_index=0, in_channels=CHANNELS,
            channels=CHANNELS, num_classes=3, loss_decode=PIXELS)),
    LRASPPHead=dict(
        in_channels=(CHANNELS, ) * 3, in_index=(0, 1, 2),
        input_transform='multiple_select'),
    LightHamHead=dict(
        MULTI, ham_channels=16, ham_kwargs=dict(MD_R=4),
        norm_cfg=dict(type='BN')),
    Mask2FormerHead=dict(
        QUERIES, strides=[4, 8, 16, 32], num_transformer_feat_level=3,
        pixel_decoder=dict(
            type='mmdet.MSDeformAttnPixelDecoder', num_outs=3,
            norm_cfg=dict(type='GN', num_groups=4),
            act_cfg=dict(type='ReLU'), positional_encoding=POSITIONS,
            encoder=dict(
                num_layers=1,
                layer_cfg=dict(
                    self_attn_cfg=dict(ATTENTION, num_levels=3),
                    ffn_cfg=FFN))),
        loss_mask=dict(type='mmdet.CrossEntropyLoss', use_sigmoid=True),
        train_cfg=dict(
            SAMPLED, assigner=dict(
                type='mmdet.HungarianAssigner', match_costs=MATCHED))),
    MaskFormerHead=dict(
        QUERIES,
        pixel_decoder=dict(
            type='mmdet.PixelDecoder',
            norm_cfg=dict(type='GN', num_groups=4),
            act_cfg=dict(type='ReLU')),
        loss_mask=dict(type='mmdet.FocalLoss', use_sigmoid=True),
        train_cfg=dict(
            SAMPLED, assigner=dict(
                type='mmdet.HungarianAssigner', match_costs=MATCHED))),
    NLHead=dict(NON_LOCAL),
    PSAHead=dict(mask_size=(8, 8)),
    PSPHead=dict(pool_scales=(1, 2)),
    SETRMLAHead=dict(MULTI, in_index=(1, 1), mla_channels=16),
    SETRUPHead=dict(norm_cfg=dict(type='BN')),
    STDCHead=dict(
        num_classes=2, boundary_threshold=0.1, num_convs=1,
        loss_decode=[
            dict(PIXELS, loss_name='loss_ce', use_sigmoid=True),
            dict(type='DiceLoss', loss_name='loss_dice')
        ]),
    SegformerHead=dict(MULTI),
    SegmenterMaskTransformerHead=dict(
        num_layers=1, num_heads=2, embed_dims=CHANNELS),
    UPerHead=dict(MULTI, pool_scales=(1, 2)))
