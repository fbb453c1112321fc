#!/usr/bin/env python
"""Write the tables of docs/models.md anew from the metafiles.

    python docs/site/model_table.py
"""
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / 'docs/models.md'
BEGIN = '<!-- from the metafiles: python docs/site/model_table.py -->'
END = '<!-- end of the metafiles -->'


def filled(page: str) -> str:
    """The page with its tables as the metafiles have them."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    tables = '\n\n'.join(_sections())
    return f'{before}{BEGIN}\n\n{tables}\n\n{END}{after}'


def _sections() -> Iterator[str]:
    index = yaml.safe_load((ROOT / 'model-index.yml').read_text())
    for name in index['Import']:
        content = yaml.safe_load((ROOT / name).read_text())
        folder = Path(name).parent.as_posix()
        for collection in content['Collections']:
            models = [model for model in content['Models']
                      if model['In Collection'] == collection['Name']]
            yield '\n'.join(_section(folder, collection, models))


def _section(folder: str, collection: Mapping[str, Any],
             models: list[dict[str, Any]]) -> Iterator[str]:
    paper = collection['Paper']
    yield f'### {collection["Name"]} (`{folder}`)'
    yield ''
    data = collection['Metadata']['Training Data']
    yield f'{data[0].upper()}{data[1:]}.'
    yield f'"{" ".join(paper["Title"].split())}", {paper["Venue"]}.'
    yield ''
    yield '| config | parameters | input | paper | mmmultas |'
    yield '| --- | --- | --- | --- | --- |'
    for model in models:
        cells = (f'`{model["Name"]}`',
                 f'{model["Metadata"]["Parameters"]:,}',
                 str(model['Metadata']['Input']),
                 _reported(model.get('Reported', {})),
                 '; '.join(map(_result, model.get('Results', ()))))
        yield '| ' + ' | '.join(cells) + ' |'


def _reported(reported: Mapping[str, Any]) -> str:
    if not reported:
        return ''
    table = reported['Source'].rpartition(', ')[2]
    return f'{_scores(reported)} ({table})'


def _result(result: Mapping[str, Any]) -> str:
    return f'{_scores(result["Metrics"])}: {result["Dataset"]}'


def _scores(values: Mapping[str, Any]) -> str:
    return ', '.join(f'{name} {value:.2f}' for name, value in values.items()
                     if name != 'Source')


if __name__ == '__main__':
    PAGE.write_text(filled(PAGE.read_text()))
