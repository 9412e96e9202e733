//! Truth, errors, and expressions that do not end.

use proptest::prelude::*;

use super::*;

fn gate(expression: &str) -> Expression {
    Expression::new(expression, Limits::default()).unwrap()
}

fn ask(expression: &str, record: &str) -> Result<bool, ExpressionError> {
    gate(expression).admits(record)
}

#[test]
fn truth_is_that_of_jq() {
    for (expression, expected) in [
        (".confidence < 0.6", true),
        (".confidence > 0.6", false),
        (".missing", false),
        ("false, null", false),
        ("false, 0", true),
        ("0", true),
        (r#""""#, true),
        ("empty", false),
        ("select(.label == \"spam\")", true),
        (".tags[] == \"b\"", true),
        (".tags | index(\"c\")", false),
        ("any(.tags[]; . == \"a\")", true),
        (".text | test(\"BETTY\"; \"i\")", true),
        ("[.. | numbers] | length > 1", true),
        ("first(range(10))", true),
        ("[limit(3; repeat(1))] | length == 3", true),
        ("[.tags[] | select(. == \"a\") |= \"z\"] | length == 2", true),
        ("def f(x): x + 1; f(1) == 2", true),
        ("[range(0; 10; 3)] == [0,3,6,9]", true),
        ("[range(5; 0; -2)] == [5,3,1]", true),
        ("[range(0; 1; 0.5)] == [0,0.5]", true),
        ("reduce range(100000) as $i (0; . + $i) | . == 4999950000", true),
        ("[1 | until(. > 100; . * 2)] == [128]", true),
        ("[recurse(if . < 3 then . + 1 else empty end; true)?] | length >= 0", true),
        ("path(.. | select(type == \"string\")) | length == 1", true),
    ] {
        let record = r#"{"confidence":0.5,"label":"spam","tags":["a","b"],"text":"betty","n":1}"#;
        assert_eq!(ask(expression, record), Ok(expected), "{expression}");
    }
}

#[test]
fn values_are_given_as_json() {
    let values = |code: &str, record: &str| {
        Expression::new(code, Limits::default()).unwrap().values(record, 2).unwrap()
    };
    assert_eq!(values(".a.b", r#"{"a":{"b":"x\"é"}}"#), [r#""x\"é""#]);
    assert_eq!(values("[.a, .b]", r#"{"a":1,"b":[2.50]}"#), ["[1,[2.50]]"]);
    assert_eq!(values(".a, .b, .c", "{}"), ["null", "null"]);
    assert_eq!(values("empty", "{}"), Vec::<String>::new());
}

#[test]
fn long_integers_are_exact() {
    let record = r#"{"id":12345678901234567890}"#;
    assert_eq!(ask(".id == 12345678901234567890", record), Ok(true));
    assert_eq!(ask(".id == 12345678901234567891", record), Ok(false));
    assert_eq!(ask("(.id | tostring) == \"12345678901234567890\"", record), Ok(true));
}

#[test]
fn a_wrong_expression_is_refused_with_its_place() {
    let place = |e| match Expression::new(e, Limits::default()) {
        Err(ExpressionError::Compile { line, column, message }) => (line, column, message),
        other => panic!("{e}: {other:?}"),
    };
    let (line, column, message) = place(".a <\n  nosuch(1)");
    assert_eq!((line, column), (2, 3));
    assert!(message.contains("nosuch"), "{message}");
    assert_eq!(place("\"é\" | (.a").1, 10);
    assert_eq!(place("\"é\" | é").1, 7);
    assert_eq!(place("$x").1, 1);
    assert!(place(".a |").2.contains("end"));
    assert!(place("import \"x\" as x; 1").0 == 1);
    assert!(place("include \"x\"; 1").0 == 1);
    place("");
    place("input");
    place("inputs");
    place("§");
    assert_eq!(
        Expression::new(&"(".repeat(20_000), Limits::default()).unwrap_err(),
        ExpressionError::TooLong
    );
    place(&"(".repeat(16_000));
}

#[test]
fn there_is_no_environment() {
    for expression in ["env == {}", "$ENV == {}", "env.PATH == null", "$ENV.PATH == null"] {
        assert_eq!(ask(expression, "{}"), Ok(true), "{expression}");
    }
}

#[test]
fn a_failing_expression_is_an_error_and_the_next_record_is_asked() {
    let gate = gate(".a + 1 > 2");
    assert!(
        matches!(gate.admits(r#"{"a":"text"}"#), Err(ExpressionError::Failed(m)) if m.contains("text"))
    );
    assert_eq!(gate.admits(r#"{"a":2}"#), Ok(true));
    assert!(matches!(gate.admits("{"), Err(ExpressionError::Record(_))));
    assert!(matches!(gate.admits(""), Err(ExpressionError::Record(_))));
    assert_eq!(gate.admits(r#"{"a":1}"#), Ok(false));
    let long = format!(r#"{{"a":"{}"}}"#, "x".repeat(10_000));
    let Err(error) = gate.admits(&long) else { panic!() };
    assert!(error.to_string().len() < 500);
}

#[test]
fn halt_does_not_end_the_program() {
    assert_eq!(ask("halt", "{}"), Err(ExpressionError::Halted));
    assert_eq!(ask("halt_error", "{}"), Err(ExpressionError::Halted));
}

#[test]
fn expressions_that_do_not_end_are_stopped() {
    for expression in [
        "[range(1e12)]",
        "[range(infinite)] | length",
        "last(repeat(1))",
        "[repeat(.)]",
        "def f: f; f",
        "def f: try f catch f; f",
        "def f: f | f; f",
        "def f: (try error(\"x\") catch .) | f; f",
        "[recurse(.)]",
        "until(false; .)",
        "[while(true; .)]",
        "def f(g): def h: g | h; h; f(.)",
        "\"\\(def f: f; f)\"",
        "{a: (def f: f; f)}",
        ".[def f: f; f]",
        ". as {(def f: f; f): $x} | $x",
        "reduce (def f: ., f; f) as $x (0; . + 1)",
        "foreach repeat(1) as $x (0; . + 1; empty)",
        "try repeat(empty) catch 1",
    ] {
        let limits = Limits { time: Duration::from_millis(200), ..Limits::default() };
        let gate = Expression::new(expression, limits).unwrap();
        let error = gate.admits("{}").unwrap_err();
        assert!(
            matches!(error, ExpressionError::Limit | ExpressionError::Recursion),
            "{expression}: {error:?}"
        );
        // Not given up: the limit was noticed inside the interpreter.
        assert!(!gate.admits("{}").unwrap_err().is_fatal(), "{expression}");
    }
}

#[test]
fn only_what_cannot_grow_is_harmless() {
    for code in [
        ".",
        ".n < 0",
        ".confidence < 0.6 and (.text | length > 20)",
        ".a.b[0][\"c\"]?",
        ".h | ascii_downcase",
        "[.room, .sensor] | join(\"/\")",
        "\"\\(.room)/\\(.sensor)\"",
        ".tags[] == \"x\"",
        "select(.n > 1) | .k // \"none\"",
        "if .a then .b else .c * 2 end",
        ".text | test(\"money|euro\") | not",
        "-.n % 3 == 0",
    ] {
        assert!(program::is_harmless(code), "{code}");
    }
    for code in [
        "\"x\" * 1e10",
        "\"x\" * .n",
        "1e9 * .text",
        "..",
        "[range(1e9)]",
        "repeat(.)",
        "def f: f; f",
        "reduce .[] as $x (0; . + $x)",
        "[.a[] == .b[]]",
        ".a[] == .b[]",
        "select(.x[]) | select(.x[])",
        ". + . | . + . | . + . | . + . | . + .",
        "tojson | tojson",
        ".a |= .b",
        "limit(3; .[])",
        "{a: .}",
        "@base64",
        "@json \"x\\(.)\"",
        "join(.sep)",
        ".a as $x | $x",
        "input",
        ".a |",
    ] {
        assert!(!program::is_harmless(code), "{code}");
    }
}

#[test]
fn deep_recursion_is_an_error_not_a_crash() {
    assert_eq!(ask("def f: 1 + f; f", "{}"), Err(ExpressionError::Recursion));
    assert_eq!(ask("def f: [f]; f", "{}"), Err(ExpressionError::Recursion));
    assert_eq!(ask("def f: if . > 9 then . else . + 1 | f end; 0 | f == 10", "{}"), Ok(true));
}

#[test]
fn deep_records_are_refused() {
    let nested = |n: usize| format!("{}1{}", "[".repeat(n), "]".repeat(n));
    assert_eq!(ask("[..] | length == 1001", &nested(1000)), Ok(true));
    assert_eq!(ask(".", &nested(1001)), Err(ExpressionError::Depth));
    assert_eq!(ask(".", &nested(1_000_000)), Err(ExpressionError::Depth));
    let text = format!(r#"{{"a":"{}\"{}"}}"#, "[".repeat(2000), "{".repeat(2000));
    assert_eq!(ask(".", &text), Ok(true));
}

#[test]
fn threads_take_turns() {
    let gate = gate(".n % 2 == 0");
    std::thread::scope(|scope| {
        for t in 0..4 {
            let gate = &gate;
            scope.spawn(move || {
                for n in (t * 100)..(t * 100 + 100) {
                    assert_eq!(gate.admits(&format!("{{\"n\":{n}}}")), Ok(n % 2 == 0));
                }
            });
        }
    });
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]
    #[test]
    fn no_expression_breaks_the_compiler(expression in r#"[.|,()\[\]{}$:;"a-z0-9+*/?@ \\é]{0,40}"#) {
        let _ = Expression::new(&expression, Limits::default());
    }

    #[test]
    fn no_record_breaks_the_interpreter(record in ".*") {
        thread_local! {
            static GATE: Expression = gate("[..] | length > 2");
        }
        GATE.with(|gate| {
            if let Err(error) = gate.admits(&record) {
                assert!(!error.is_fatal(), "{error}");
            }
        });
    }
}
