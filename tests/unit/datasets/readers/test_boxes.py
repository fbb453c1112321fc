def test_boxes_of_the_record(read):
    found = read('boxes', dict(instances=[
        dict(bbox=[0, 1, 2, 3], bbox_label=4, ignore_flag=1)]))
    assert found.bboxes.tolist() == [[0, 1, 2, 3]]
    assert found.labels.tolist() == [4] and found.ignored.tolist() == [True]
    assert read('boxes', dict(instances=[])).bboxes.shape == (0, 4)
