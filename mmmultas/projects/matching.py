"""Which label belongs to which image, by their names."""
import os
import re
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import unquote

from mmmultas.utils.errors import ConfigError, DataError

__all__ = ['Match', 'MaskMatch', 'match_masks', 'match_names', 'some']

#: Prefix that Label Studio gives to files that are uploaded.
_UPLOADED = re.compile(r'^[0-9a-f]{8}-')


@dataclass
class Match:
    """Labels and the images that they belong to.

    Attributes:
        pairs: Name as the labels tell it → name of the image.
        lost: Names of labels without an image.
        spare: Names of images without a label.
        exact: Whether the names agree without a change.
    """
    pairs: dict[str, str] = field(default_factory=dict)
    lost: list[str] = field(default_factory=list)
    spare: list[str] = field(default_factory=list)
    exact: bool = True


def some(names: Sequence[str], most: int = 3) -> str:
    """A few names for a message.

    Example:
        >>> some(['a', 'b', 'c', 'd'])
        'a, b, c, …'
    """
    if not names:
        return 'none'
    return ', '.join(names[:most]) + ', …' * (len(names) > most)


def match_names(told: Sequence[str], images: Sequence[str]) -> Match:
    """Find the image of each label.

    First by the whole path without suffix; where none is so found, by the
    last component in any case, as long as that is unique.

    Args:
        told: File names as the labels tell them, perhaps with folders of
            another machine.
        images: Names of the images: paths without suffix.
    """
    there = set(images)
    found = Match()
    forms = {name: _forms(name) for name in told}
    found.pairs = {
        name: form for name, both in forms.items()
        for form in both[::-1] if form in there
    }
    if not found.pairs:
        found.exact = False
        found.pairs = _by_last(forms, images)
    found.lost = [name for name in told if name not in found.pairs]
    used = set(found.pairs.values())
    found.spare = [name for name in images if name not in used]
    return found


def _by_last(forms: Mapping[str, Sequence[str]], images: Sequence[str]
             ) -> dict[str, str]:
    lasts: dict[str, list[str]] = defaultdict(list)
    for image in images:
        lasts[_last(image).casefold()].append(image)
    wanted = Counter(_last(both[-1]).casefold() for both in forms.values())
    pairs = {}
    for name, both in forms.items():
        if wanted[_last(both[-1]).casefold()] > 1:
            continue
        keys = [_last(form).casefold() for form in both]
        for key in (*keys, *(_UPLOADED.sub('', key) for key in keys)):
            if len(lasts.get(key, ())) == 1:
                pairs[name] = lasts[key][0]
                break
    return pairs


def _forms(name: str) -> tuple[str, ...]:
    """A name as it is and, if it may have one, without its suffix."""
    plain = unquote(name).replace('\\', '/').removeprefix('./')
    stem, mark, suffix = plain.rpartition('.')
    has_suffix = mark and stem and '/' not in suffix
    return (plain, stem) if has_suffix else (plain, )


def _last(name: str) -> str:
    return name.rpartition('/')[2]


@dataclass
class MaskMatch:
    """Masks and their images.

    Attributes:
        suffix: End of the masks' names, '_mask.png'.
        image_end: End of the images' names before their suffix, '_sat'.
        masks: Name → file of the mask.
        lost: Masks that match no image or are of another kind.
        spare: Names of images without a mask.
    """
    suffix: str
    image_end: str
    masks: dict[str, str]
    lost: list[str]
    spare: list[str]


def match_masks(masks: Mapping[str, str], images: Mapping[str, str],
                option: str, suffix: str | None = None,
                ending: str = '.png', what: str = 'mask') -> MaskMatch:
    """Find the end of the masks' names, and the image of each mask.

    Args:
        masks: Name without type → file.
        images: Name without suffix → file.
        option: '--seg', for messages.
        suffix: The end that a person named.
        ending: Type of the masks' files.
        what: They are, for messages.

    Raises:
        ConfigError: Masks of two kinds.
        DataError: No mask belongs to an image, or several do.
    """
    if suffix is not None:
        # in one folder with the images: what ends so is none of these
        own = {os.path.realpath(f) for n, f in masks.items()
               if n.endswith(suffix.removesuffix(ending))}
        images = {n: f for n, f in images.items()
                  if suffix == ending or os.path.realpath(f) not in own}
    image_end = _common_end(images)
    names = {n.removesuffix(image_end): f for n, f in images.items()}
    ends = _ends(masks, names, set(images.values()))
    if suffix is None:
        end = _one_end(ends, masks, names, option, ending, what)
    else:
        end = suffix.removesuffix(ending)
    chosen = {
        name.removesuffix(end): file
        for name, file in masks.items()
        if name.endswith(end) and name.removesuffix(end) in names
        and not _same(file, names[name.removesuffix(end)])
    }
    if not chosen and {*masks.values()} <= {*images.values()}:
        raise DataError(
            f'{option}: {what}s and images are the same files '
            f'({some(sorted(masks))}); name the folder of the photographs '
            f'with {option}-images, that of the {what}s with {option}.' +
            _two_ends(masks, ending, what))
    if not chosen:
        raise DataError(
            f'{option} has no {what} that is named as an image: {what}s are '
            f'called {some(sorted(masks))}, images {some(sorted(images))}; '
            f'rename them, name the folder of their images with '
            f'{option}-images, or the end of their names with --mask-suffix.')
    used = set(chosen.values())
    mine = set(images.values())
    lost = [f for f in masks.values() if f not in used and f not in mine]
    spare = [n for n, f in names.items()
             if n not in chosen and f not in used]
    return MaskMatch(end + ending, image_end, chosen, lost, spare)


def _two_ends(masks: Mapping[str, str], ending: str, what: str) -> str:
    """What to say where images and masks differ by the end of their names."""
    ends = sorted({name[name.rfind('_'):] for name in masks if '_' in name})
    if not 2 <= len(ends) <= 5:
        return ''
    return (f' If both lie in one folder, say how the {what}s end '
            f'({", ".join(ends)}): --mask-suffix {ends[0]}{ending}.')


def _same(one: str, other: str) -> bool:
    return os.path.realpath(one) == os.path.realpath(other)


def _common_end(images: Mapping[str, str]) -> str:
    """'_leftImg8bit' where all images end so."""
    names = [_last(name) for name in images]
    ends = {name[name.rfind('_'):] if '_' in name[1:] else '' for name in
            names}
    if len(names) < 2 or len(ends) != 1:
        return ''
    end = ends.pop()
    return end if any(c.isalpha() for c in end) else ''


def _ends(masks: Mapping[str, str], names: Mapping[str, str],
          pictures: set[str]) -> dict[str, dict[str, list[str]]]:
    """End → image → masks of that end."""
    ends: dict[str, dict[str, list[str]]] = defaultdict(
        lambda: defaultdict(list))
    for mask, file in masks.items():
        for cut in range(len(mask), 0, -1):
            image, end = mask[:cut], mask[cut:]
            if image not in names or _same(names[image], file):
                continue
            if end and image[-1].isdigit() and end[0].isdigit():
                continue  # 12 is no mask of 1
            ends[end][image].append(file)
            break
    return ends


def _one_end(ends: Mapping[str, Mapping[str, list[str]]],
             masks: Mapping[str, str], names: Mapping[str, str],
             option: str, ending: str, what: str) -> str:
    if not ends:
        return ''
    order = sorted(ends, key=lambda e: (-len(ends[e]), e))
    most = len(ends[order[0]])
    kinds = [e for e in order if len(ends[e]) >= max(2, most / 2)]
    covered = {image for found in ends.values() for image in found}
    if len(order) > 2 and most <= len(covered) / 2 or (
            len(kinds) > 1 and all(_numbered(e) for e in kinds)):
        image = next(iter(covered))
        files = [f.rpartition('/')[2] for found in ends.values()
                 for f in found.get(image, ())]
        raise DataError(
            f'{option} has {len(files)} {what}s for the image {image} '
            f'({some(files)}), one per object or class: one {what} per image '
            'is needed, with a number per class; merge them, or export '
            'polygons as COCO.')
    if len(kinds) > 1:
        told = ', '.join(f'*{e}{ending} ({len(ends[e])})' for e in kinds)
        raise ConfigError(
            f'{option} holds {what}s of {len(kinds)} kinds: {told}; say which '
            f'are meant, for example --mask-suffix {kinds[-1]}{ending}.')
    return order[0]


def _numbered(end: str) -> bool:
    return bool(re.fullmatch(r'[-_ .]?\d+', end))
