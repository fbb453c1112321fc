# Stage 1 of 4 (SPEC-INTERDEPENDENT 4): everything, from ImageNet weights.
_base_ = [
    '../_base_/models/adapnetpp_trident.py',
    '../_base_/datasets/citys_11.py', '../_base_/schedules/adam_poly-10k.py',
    '../_base_/default_runtime.py'
]
