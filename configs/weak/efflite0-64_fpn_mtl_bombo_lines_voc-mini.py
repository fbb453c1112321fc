# Both directions, and each row and column of a box shows its class: the best
# without a teacher (benchmarks/README.md).
_base_ = './efflite0-64_fpn_mtl_bombo_voc-mini.py'

model = dict(companions=dict(b4m=dict(lines_weight=0.5)))
