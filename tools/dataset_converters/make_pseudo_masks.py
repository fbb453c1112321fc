#!/usr/bin/env python
"""Masks out of image classes, by CAM or ReCAM.

python tools/dataset_converters/make_pseudo_masks.py CONFIG CHECKPOINT \
    --out data/recam
"""
from mmengine.registry import init_default_scope

from mmmultas.apis.pseudo_masks import SeedOptions, write_pseudo_masks
from mmmultas.utils.arguments import mask_arguments
from mmmultas.utils.launch import friendly_errors, load_config
from mmmultas.utils.progress import progress


def main() -> None:
    args = mask_arguments()
    cfg = load_config(args.config, args.cfg_options)
    init_default_scope(cfg.get('default_scope', 'mmdet'))
    options = SeedOptions(
        args.threshold, tuple(args.uncertain) if args.uncertain else None,
        args.boxes, tuple(args.scales))
    found, quality = write_pseudo_masks(
        cfg, args.checkpoint, args.out, args.stream, options,
        None if args.judge == 'none' else args.judge, args.number,
        args.device, progress)
    print(found.text(args.out))
    if quality is not None:
        print(quality.text())


if __name__ == '__main__':
    with friendly_errors():
        main()
