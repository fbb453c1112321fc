# MTPSL without FiLM: the mapping does not know the pair.
_base_ = './segnet-16_split_dense_xtc_scenes.py'

model = dict(companions=dict(xtc=dict(mapping=dict(conditioned=False))))
optim_wrapper = dict(paramwise_cfg=dict(_delete_=True))
