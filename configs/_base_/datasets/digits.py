# Handwritten digits on photographs, 128 pixels: boxes on one half of the
# training scenes, masks on the other (make_digits_voc.py writes them).
_base_ = './voc_partial.py'

img_size = 128
batch_size = 8
num_workers = 0
data_root = '{{$MMMULTAS_DIGITS:data/digits}}/VOCdevkit'
digits = ('zero', 'one', 'two', 'three', 'four', 'five', 'six', 'seven',
          'eight', 'nine')
classes = dict(det=digits, seg=('background', *digits))

# no flip: a mirrored 2 is no 2
train_pipeline = [
    dict(type='mmmultas.LoadImage'),
    dict(type='mmmultas.LoadLabels'),
    dict(type='mmmultas.PhotometricJitter'),
    dict(type='mmmultas.Squash', size=img_size),
    dict(type='mmmultas.PackInputs')
]
test_pipeline = [
    dict(t, size=img_size) if 'size' in t else t for t in _base_.test_pipeline
]
loader = dict(
    batch_size=batch_size,
    num_workers=num_workers,
    persistent_workers=num_workers > 0)
scenes = dict(data_root=data_root, classes=classes)
train_dataloader = dict(
    det=dict(
        **loader,
        dataset=dict(
            **scenes,
            subsets=[dict(root='Digits', ids='ImageSets/Main/train.txt')],
            pipeline=train_pipeline)),
    seg=dict(
        **loader,
        dataset=dict(
            **scenes,
            subsets=[
                dict(root='Digits', ids='ImageSets/Segmentation/train.txt')
            ],
            pipeline=train_pipeline)))
val_dataloader = dict(
    val=dict(
        **loader,
        dataset=dict(
            **scenes,
            subsets=[dict(root='Digits', ids='ImageSets/Main/val.txt')],
            pipeline=test_pipeline)))
test_dataloader = val_dataloader
