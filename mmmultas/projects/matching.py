"""Which label belongs to which image, by their names."""
import os
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import unquote

from mmmultas.utils.errors import ConfigError, DataError

__all__ = [
    'Claim', 'Match', 'MaskMatch', 'common_end', 'match_masks',
    'match_names', 'some'
]

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


@dataclass(frozen=True)
class Claim:
    """Files that are those of one label, whatever else lies beside them.

    Attributes:
        folder: That a person named, with its subfolders.
        end: Of the files' names, '_depth.png'.
    """
    folder: str
    end: str

    def has(self, file: str) -> bool:
        """Whether a file is one of these."""
        if not file.endswith(self.end):
            return False
        own = os.path.join(os.path.realpath(self.folder), '')
        return os.path.realpath(file).startswith(own)


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
                ending: str = '.png', what: str = 'mask',
                claims: Sequence[Claim] = ()) -> MaskMatch:
    """Find the end of the masks' names, and the image of each mask.

    Args:
        masks: Name without type → file.
        images: Name without suffix → file.
        option: '--seg', for messages.
        suffix: The end that a person named.
        ending: Type of the masks' files.
        what: They are, for messages.
        claims: Files of other labels, which are neither masks of this one
            (where two ends fit, the longer one decides) nor images.

    Raises:
        ConfigError: Masks of two kinds.
        DataError: No mask belongs to an image, or several do.
    """
    masks, images = _unclaimed(masks, images, suffix, ending, claims)
    image_end = common_end(images)
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
    if not chosen:
        others = {n: f for n, f in images.items()
                  if f not in set(masks.values())}
        if suffix is not None and 0 < len(others) < len(images):
            # images are of another type than all that lies among the masks
            return match_masks(masks, others, option, suffix, ending, what)
        raise _no_match(masks, images, option, suffix, ending, what)
    used = set(chosen.values())
    mine = set(images.values())
    lost = [f for f in masks.values() if f not in used and f not in mine]
    spare = [n for n, f in names.items()
             if n not in chosen and f not in used]
    return MaskMatch(end + ending, image_end, chosen, lost, spare)


def _no_match(masks: Mapping[str, str], images: Mapping[str, str],
              option: str, suffix: str | None, ending: str,
              what: str) -> DataError:
    """What to say where no mask belongs to an image."""
    if suffix in (None, ending) and {*masks.values()} <= {*images.values()}:
        return DataError(
            f'{option}: {what}s and images are the same files '
            f'({some(sorted(masks))}); name the folder of the photographs '
            f'with {option}-images, that of the {what}s with {option}.' +
            _two_ends(masks, images, ending, what))
    ask = (f'name the folder of their images with {option}-images, or the '
           'end of their names with --mask-suffix' if suffix is None else
           f'or name the folder of their images with {option}-images')
    told = f' and ends in {suffix}' if suffix is not None else ''
    return DataError(
        f'{option} has no {what} that is named as an image{told}: {what}s '
        f'are called {some(sorted(masks))}, images {some(sorted(images))}; '
        f'rename them, {ask}.')


def _two_ends(masks: Mapping[str, str], images: Mapping[str, str],
              ending: str, what: str) -> str:
    """What to say where images and masks differ by the end of their names."""
    ends = sorted({name[name.rfind('_'):] for name in {*masks, *images}
                   if '_' in name})
    own = [end for end in ends if any(name.endswith(end) for name in masks)]
    if not own or not 2 <= len(ends) <= 5:
        return ''
    return (f' If both lie in one folder, say how the {what}s end '
            f'({", ".join(ends)}): --mask-suffix {own[0]}{ending}.')


def _same(one: str, other: str) -> bool:
    return os.path.realpath(one) == os.path.realpath(other)


def _unclaimed(
        masks: Mapping[str, str], images: Mapping[str, str],
        suffix: str | None, ending: str,
        claims: Sequence[Claim]) -> tuple[dict[str, str], dict[str, str]]:
    """Masks that no other label claims, and images that no label does."""
    def mine(file: str, claim: Claim) -> bool:
        return suffix is not None and file.endswith(suffix) and (
            len(suffix) >= len(claim.end))

    free = {n: f for n, f in images.items()
            if not any(claim.has(f) for claim in claims)}
    if suffix not in (None, ending):
        # in one folder with the images: what ends so is none of these
        own = {os.path.realpath(f) for n, f in masks.items()
               if n.endswith(str(suffix).removesuffix(ending))}
        free = {n: f for n, f in free.items()
                if os.path.realpath(f) not in own}
    return {n: f for n, f in masks.items() if not any(
        claim.has(f) and not mine(f, claim) for claim in claims)}, free


def common_end(images: Iterable[str]) -> str:
    """'_leftImg8bit' where the names of all images end so, else ''."""
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
