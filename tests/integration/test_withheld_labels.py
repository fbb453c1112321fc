"""A label that is withheld must not move a single bit of training."""
import pytest
import torch

from mmmultas.registry import DATASETS
from mmmultas.testing import (ToyDataset, toy_config, toy_distillation,
                              toy_model, toy_weak_losses)
from mmmultas.utils.launch import build_runner


@DATASETS.register_module()
class SpoiltToyDataset(ToyDataset):
    """Carries both labels in every sample; the withheld ones are wrong."""
    shift = 0

    def _sample(self, index, boxes, labels, mask):
        tasks = self.kinds[index % len(self.kinds)]
        whole = ToyDataset(self.length, size=self.size, seed=self.seed)
        sample = whole._sample(index, boxes, labels, mask)
        sample.set_metainfo(dict(tasks=tasks))
        if 'det' not in tasks:
            sample.gt_instances.bboxes += self.shift
            sample.gt_instances.labels = 1 - sample.gt_instances.labels
        if 'seg' not in tasks:
            mask = sample.gt_sem_seg.sem_seg
            mask.copy_((mask + self.shift) % 3)
        if self.asked:
            sample.set_metainfo(dict(annotated=self.asked))
            self._spoil_unasked(sample)
        return sample

    def _spoil_unasked(self, sample):
        """Boxes of the other class, and whether a pixel is it or nothing."""
        boxes = sample.gt_instances
        other = boxes.labels != self.asked['det'][0]
        boxes.bboxes[other] += self.shift
        mask = sample.gt_sem_seg.sem_seg
        unasked = mask != self.asked['seg'][0]
        others = [i for i in range(3) if i != self.asked['seg'][0]]
        if self.shift:
            swapped = torch.where(mask == others[0], others[1], others[0])
            mask.copy_(torch.where(unasked, swapped.to(mask), mask))


def _weights(work_dir, shift, alternate, model=None, asked=None):
    SpoiltToyDataset.shift = shift
    cfg = toy_config(work_dir, epochs=2, alternate=alternate, model=model)
    for stream in cfg.train_dataloader.values():
        stream.dataset.type = 'mmmultas.SpoiltToyDataset'
        stream.dataset.annotated = asked
    cfg.custom_hooks.append(
        dict(type='mmmultas.MultiScaleHook', sizes=[48, 64, 96]))
    runner = build_runner(cfg)
    runner.train()
    ema = next(h for h in runner.hooks if hasattr(h, 'ema_model'))
    return {
        **runner.model.state_dict(),
        **dict(runner.model.named_parameters()),
        **ema.ema_model.state_dict()
    }


def _run(tmp_path, alternate, model=None, asked=None):
    first = _weights(tmp_path / 'a', 0, alternate, model, asked)
    second = _weights(tmp_path / 'b', 1, alternate, model, asked)
    assert all(torch.equal(first[key], second[key]) for key in first)
    return first


def test_iteration_alternation(tmp_path):
    _run(tmp_path, 'iteration')


def test_epoch_alternation(tmp_path):
    _run(tmp_path, 'epoch')


def _distilled(folder, sees):
    """With losses that read features, boxes (DeFeat) and recorded heads."""
    model = toy_distillation(folder, channels=8, sees=sees)
    distiller = model['distiller']
    feats = distiller['student_recorders']['feats']
    head = dict(type='ModuleOutputs', source='heads.det')
    distiller['student_recorders'] = dict(feats=feats, head=head)
    distiller['teacher_recorders']['det'] = dict(feats=feats, head=head)
    distiller['distill_losses'].update(
        loss_defeat=dict(type='mmmultas.DeFeat'),
        loss_soft=dict(type='mmmultas.SoftDetection'))
    mappings = distiller['loss_forward_mappings']
    mappings.update(
        loss_defeat=mappings['loss_det'],
        loss_soft={
            'student_outputs': dict(from_student=True, recorder='head'),
            'teacher_outputs': dict(
                from_student=False, teacher='det', recorder='head')
        })
    if sees == 'other':  # images without the boxes that it needs
        del distiller['distill_losses']['loss_defeat'], mappings['loss_defeat']
    return model


@pytest.mark.parametrize('refined', [0, 1])
@pytest.mark.parametrize('weights', [None, [0.5, 1.0, 2.0]])
def test_classes_that_nobody_looked_for(tmp_path, refined, weights):
    model = toy_model()
    model['heads']['seg'].update(
        num_refine_convs=refined,
        loss_decode=dict(
            type='mmmultas.CrossEntropyLoss', class_weight=weights))
    asked = dict(det=(1, ), seg=(2, ))
    part = _run(tmp_path, 'iteration', model, asked)
    whole = _weights(tmp_path / 'c', 0, 'iteration', model)
    assert any(not torch.equal(part[key], whole[key]) for key in part)


def test_auxiliary_heads(tmp_path):
    model = toy_model()
    stock = dict(type='FCNHead', in_channels=8, channels=8, num_convs=1)
    model['heads']['seg']['auxiliary'] = [
        dict(stock, in_index=0), dict(stock, in_index=1)]
    keys = _run(tmp_path, 'iteration', model)
    assert 'heads.seg.auxiliary.1.conv_seg.weight' in keys


@pytest.mark.parametrize('sees', ['annotated', 'other', 'both'])
def test_distillation(tmp_path, sees):
    torch.manual_seed(5)
    keys = _run(tmp_path, 'iteration', _distilled(tmp_path, sees))
    assert 'companions.teachers.connectors.det.convs.0.weight' in keys


def test_weak_losses_beside_teachers(tmp_path):
    torch.manual_seed(5)
    model = _distilled(tmp_path, 'other')
    model['architecture']['companions'] = toy_weak_losses()
    _run(tmp_path, 'iteration', model)


def test_weak_losses_in_their_other_forms(tmp_path):
    torch.manual_seed(5)
    weak = toy_weak_losses()
    weak['average'].update(box_form='hard', box_score=0.)
    weak['b4m'] = dict(
        type='mmmultas.BoxForMask', ranks=False, static='inner',
        lines_weight=.5, lines_form='dice')
    _run(tmp_path, 'iteration', dict(toy_model(), companions=weak))


def test_the_test_can_fail(tmp_path):
    """The same change of labels that are not withheld does move weights."""
    clean = _weights(tmp_path / 'a', 0, 'iteration')
    kinds = SpoiltToyDataset._sample

    def spoil_all(self, index, boxes, labels, mask):
        sample = kinds(self, index, boxes, labels, mask)
        sample.gt_sem_seg.sem_seg.copy_((sample.gt_sem_seg.sem_seg + 1) % 3)
        return sample

    SpoiltToyDataset._sample = spoil_all
    try:
        spoilt = _weights(tmp_path / 'b', 0, 'iteration')
    finally:
        SpoiltToyDataset._sample = kinds
    assert any(not torch.equal(clean[key], spoilt[key]) for key in clean)
