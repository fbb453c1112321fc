_base_ = './rn18_fpn_det_supervised_kd-mse_vedai.py'

features = _base_.model.distiller.loss_forward_mappings.loss_mse
model = dict(
    distiller=dict(
        distill_losses=dict(
            _delete_=True, loss_defeat=dict(type='mmmultas.DeFeat')),
        loss_forward_mappings=dict(_delete_=True, loss_defeat=features)))
