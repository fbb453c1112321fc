# The same with the foreground of the student's own boxes apart.
_base_ = './rn18_fpn_det_all-boxes_kd-seg-mse_voc-partial.py'

model = dict(
    distiller=dict(
        distill_losses=dict(
            _delete_=True, loss_mse_seg=dict(type='mmmultas.DeFeat'))))
