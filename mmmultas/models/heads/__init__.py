"""Heads of the papers; any mmdet or mmseg head serves as well."""
from .adapnetpp_seg_head import AdapNetPPAuxHead, AdapNetPPSegHead
from .anchor_grid import AnchorGrid
from .cam_head import CAMHead
from .dense_head import DenseHead
from .join import AddPooled
from .matched_retina_head import (MatchedAnchorHeadMixin, MatchedRetinaHead,
                                  MatchedRetinaSepBNHead)
from .multi_level_anchor_head import MultiLevelAnchorHead
from .panoptic_fpn_head import PanopticFPNSegHead
from .pixel_head import PixelHead
from .segnet_head import AtrousHead, SegNetHead
from .trident_anchor_head import TridentAnchorHead

__all__ = [
    'AdapNetPPAuxHead', 'AdapNetPPSegHead', 'AddPooled', 'AnchorGrid',
    'AtrousHead', 'CAMHead', 'DenseHead', 'MatchedAnchorHeadMixin',
    'MatchedRetinaHead', 'MatchedRetinaSepBNHead', 'MultiLevelAnchorHead',
    'PanopticFPNSegHead', 'PixelHead', 'SegNetHead', 'TridentAnchorHead'
]
