use super::*;

/// A field of a protobuf message with a length.
fn field(number: u8, body: &[u8]) -> Vec<u8> {
    let mut out = vec![number << 3 | 2];
    let mut length = body.len();
    while length > 127 {
        out.push(length as u8 | 128);
        length >>= 7;
    }
    out.push(length as u8);
    out.extend_from_slice(body);
    out
}

/// A field with a number below 128.
fn number(field: u8, value: u8) -> Vec<u8> {
    vec![field << 3, value]
}

/// A value of floats with one dimension (onnx.proto: ValueInfoProto).
fn value(name: &str, length: u8) -> Vec<u8> {
    let shape = field(1, &number(1, length));
    let tensor = [number(1, 1), field(2, &shape)].concat();
    [field(1, name.as_bytes()), field(2, &field(1, &tensor))].concat()
}

/// An ONNX file with one operator from `x` (three floats) to `y`.
fn file(operator: &str) -> Vec<u8> {
    // The operator bears the name of its output: that is allowed.
    let node = [field(1, b"x"), field(2, b"y"), field(3, b"y"), field(4, operator.as_bytes())];
    let node = node.concat();
    let graph =
        [field(1, &node), field(2, b"g"), field(11, &value("x", 3)), field(12, &value("y", 3))];
    let opset = field(8, &number(2, 13));
    [number(1, 8), field(7, &graph.concat()), opset].concat()
}

#[test]
fn a_graph_runs() {
    let graph = Graph::from_bytes(file("Relu")).expect("a graph");
    assert_eq!(graph.input_shape(), Some(vec![Some(3)]));
    let input = Tensor { shape: vec![3], values: vec![-1.0, 0.5, 2.0] };
    let made = graph.run(input).expect("outputs");
    assert_eq!(made, [Tensor { shape: vec![3], values: vec![0.0, 0.5, 2.0] }]);
}

#[test]
fn threads_share_a_graph() {
    let graph = Graph::from_bytes(file("Neg")).expect("a graph");
    std::thread::scope(|scope| {
        for thread in 0..4u8 {
            let graph = &graph;
            scope.spawn(move || {
                for n in 0..50u8 {
                    let values = vec![f32::from(thread), f32::from(n), 1.0];
                    let negative = values.iter().map(|v| -v).collect::<Vec<_>>();
                    let made = graph.run(Tensor { shape: vec![3], values }).expect("outputs");
                    assert_eq!(made[0].values, negative);
                }
            });
        }
    });
}

#[test]
fn what_cannot_be_read_or_run_is_an_error() {
    assert!(matches!(Graph::from_bytes(file("Nonsense")), Err(Error::Load(_))));
    let whole = file("Relu");
    for at in 0..whole.len() {
        // Whatever comes of it, it is no panic.
        let _ = Graph::from_bytes(whole[..at].to_vec());
        let mut damaged = whole.clone();
        damaged[at] ^= 0xff;
        let _ = Graph::from_bytes(damaged);
    }
    let graph = Graph::from_bytes(whole).expect("a graph");
    let wrong = Tensor { shape: vec![3], values: vec![0.0; 4] };
    assert!(matches!(graph.run(wrong), Err(Error::Shape(..))));
    let other = graph.run(Tensor { shape: vec![2, 2], values: vec![0.0; 4] });
    assert!(matches!(other, Err(Error::Run(_))), "{other:?}");
}
