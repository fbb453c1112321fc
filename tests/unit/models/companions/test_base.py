from mmmultas.models.companions import Asked, Companion


def test_wishes_add_up():
    first, second = Asked(), Asked()
    first.add('det', 'a', [0, 2])
    second.add('det', 'a', {1}, 'conv')
    second.add('seg', 'b', [3], '')
    first.merge(second)
    assert first.rows == dict(det=dict(a={0, 1, 2}), seg=dict(b={3}))
    assert first.taps == dict(det={'conv'}, seg={''})
    assert second.rows['det'] == dict(a={1})


def test_a_companion_that_does_nothing():
    companion = Companion()
    assert companion.needs(None).rows == {} and companion.sums(None) == {}
    assert companion.terms(None) == [] and companion.extra_state() == {}
    assert companion.mute_losses([('det', )]) == {}
