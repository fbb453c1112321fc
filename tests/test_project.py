"""What surrounds the code: forms, workflows, versions."""
import configparser
import re
from pathlib import Path

import jsonschema
import pytest
import yaml

from mmmultas.version import __version__

ROOT = Path(__file__).resolve().parents[1]
FORMS = sorted((ROOT / '.github/ISSUE_TEMPLATE').glob('[!c]*.yml'))
WORKFLOWS = sorted((ROOT / '.github/workflows').glob('*.yml'))
TEXT = dict(type='string', minLength=1)
#: What GitHub asks of an issue form.
FORM = dict(
    type='object',
    required=['name', 'description', 'body'],
    additionalProperties=False,
    properties=dict(
        name=TEXT, description=TEXT,
        labels=dict(type='array', items=TEXT),
        body=dict(
            type='array',
            minItems=1,
            items=dict(
                type='object',
                required=['type', 'id', 'attributes'],
                additionalProperties=False,
                properties=dict(
                    type=dict(enum=['textarea', 'input', 'dropdown']),
                    id=dict(type='string', pattern=r'^[\w-]+$'),
                    attributes=dict(type='object', required=['label']),
                    validations=dict(
                        type='object',
                        additionalProperties=False,
                        properties=dict(required=dict(type='boolean'))))))))
#: What the Citation File Format 1.2.0 asks of a file.
CITATION = dict(
    type='object',
    required=['authors', 'cff-version', 'message', 'title', 'version'],
    properties={
        'cff-version': dict(const='1.2.0'),
        'message': TEXT, 'title': TEXT,
        'license': dict(const='Apache-2.0'),
        'type': dict(enum=['software', 'dataset']),
        'authors': dict(type='array', minItems=1, items=dict(
            type='object', anyOf=[dict(required=['name']),
                                  dict(required=['family-names'])])),
        'references': dict(type='array', items=dict(
            type='object', required=['authors', 'title', 'type']))
    })


def read(path):
    return yaml.safe_load(path.read_text())


@pytest.mark.parametrize('path', FORMS, ids=lambda p: p.name)
def test_issue_forms(path):
    form = read(path)
    jsonschema.validate(form, FORM)
    ids = [field['id'] for field in form['body']]
    assert len(set(ids)) == len(ids)


@pytest.mark.parametrize('name', ['bug', 'data'])
def test_forms_of_problems_ask_for_the_environment(name):
    fields = read(ROOT / f'.github/ISSUE_TEMPLATE/{name}.yml')['body']
    asked = {field['id']: field for field in fields}['environment']
    assert asked['validations'] == dict(required=True)
    assert 'python -m mmmultas.utils.collect_env' in (
        asked['attributes']['description'])


@pytest.mark.parametrize('path', WORKFLOWS, ids=lambda p: p.name)
def test_workflows_call_targets_that_exist(path):
    targets = re.findall(r'^([a-z-]+):', (ROOT / 'Makefile').read_text(), re.M)
    steps = [step.get('run', '') for job in read(path)['jobs'].values()
             for step in job['steps']]
    called = [word for run in steps if run.startswith('make ')
              for word in run.split()[1:]]
    assert called
    assert set(called) <= set(targets)


def test_the_workflow_runs_every_python_that_is_promised():
    setup = configparser.ConfigParser()
    setup.read(ROOT / 'setup.cfg')
    promised = re.findall(r'Python :: (3\.\d+)',
                          setup['metadata']['classifiers'])
    jobs = read(ROOT / '.github/workflows/ci.yml')['jobs']
    assert jobs['test']['strategy']['matrix']['python'] == promised
    first, last = (int(v.split('.')[1]) for v in (promised[0], promised[-1]))
    assert setup['options']['python_requires'] == f'>=3.{first},<3.{last + 1}'


def test_citation():
    citation = read(ROOT / 'CITATION.cff')
    jsonschema.validate(citation, CITATION)
    assert citation['version'] == __version__


def test_the_changelog_has_a_section_of_this_version():
    text = (ROOT / 'CHANGELOG.md').read_text()
    assert re.search(rf'^## \[{re.escape(__version__)}\]', text, re.M)


def test_security_says_how_to_report():
    text = (ROOT / 'SECURITY.md').read_text()
    assert 'private vulnerability reporting' in text
    assert 'collect_env' in text
