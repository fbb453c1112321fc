from mmmultas.models.balancers import Fixed


def test_weights_stay():
    fixed = Fixed(dict(det=2.0))
    assert fixed.weights(dict(seg=3.0)) == fixed.weights({}) == dict(det=2.0)
