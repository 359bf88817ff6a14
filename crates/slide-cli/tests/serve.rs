//! `slide serve`: each endpoint, its limits, clients that misbehave, new models, and the end.
#![cfg(all(unix, feature = "serve"))]

mod common;

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use common::server::{Connection, JSON, NDJSON, Reply, Server};
use common::{FEATURES, Folder, LABELS, odd, stdout};
use predicates::prelude::*;
use serde_json::{Value, json};

fn trained() -> Folder {
    let folder = Folder::new();
    folder.train("m.slide", "").success();
    folder
}

/// The same with names: `label 3`, `feature 5`.
fn named() -> Folder {
    let folder = trained();
    let names = |kind: &str, count| (0..count).map(|number| format!("{kind} {number}\n")).collect::<String>();
    folder.write("labels.txt", names("label", LABELS));
    folder.write("features.txt", names("feature", FEATURES));
    folder
}

const NAMES: &str = "m.slide --names labels.txt --feature-names features.txt";

fn labels(answer: &Value) -> Vec<u64> {
    let predictions = answer["predictions"].as_array().unwrap_or_else(|| panic!("{answer}"));
    predictions.iter().map(|best| best["label"].as_u64().unwrap()).collect()
}

/// The test examples as `slide predict` takes and answers them: questions, and the labels of each.
fn expected(folder: &Folder, model: &str, k: usize) -> (Vec<Value>, Vec<Vec<u64>>) {
    let text = folder.text("test.txt");
    let questions = text.lines().skip(1).map(|line| {
        let pairs = line.split(' ').skip(1).map(|pair| pair.split_once(':').unwrap());
        json!(pairs.map(|(index, value)| (index.to_owned(), value.parse().unwrap())).collect::<serde_json::Map<_, _>>())
    });
    let said = stdout(&folder.slide(&format!("predict {model} test.txt --json --top {k}")).assert().success());
    let answers = said.lines().map(|line| labels(&serde_json::from_str(line).unwrap()));
    (questions.collect(), answers.collect())
}

#[test]
fn the_same_answers_as_slide_predict_in_every_form() {
    let folder = named();
    let server = Server::start(&folder, NAMES);
    let (questions, answers) = expected(&folder, "m.slide", 4);
    for (features, expected) in questions.iter().zip(&answers) {
        let pairs = features.as_object().unwrap();
        let named: serde_json::Map<_, _> =
            pairs.iter().map(|(index, value)| (format!("feature {index}"), value.clone())).collect();
        let indices: Vec<u32> = pairs.keys().map(|index| index.parse().unwrap()).collect();
        let values: Vec<&Value> = pairs.values().collect();
        for form in [
            json!({ "features": features }),
            json!({ "named_features": named }),
            json!({ "indices": indices, "values": values }),
        ] {
            let mut question = form;
            question["k"] = 4.into();
            let answer = server.predict(&question);
            assert_eq!(&labels(&answer), expected, "{question}");
            let best = &answer["predictions"][0];
            assert_eq!(best["name"], format!("label {}", best["label"]));
            let probability = best["probability"].as_f64().unwrap();
            assert!((0.0..=1.0).contains(&probability));
        }
    }
    let many: Vec<Value> = questions.iter().map(|features| json!({ "features": features })).collect();
    let answer = server.predict(&json!({ "examples": many, "k": 4 }));
    let results = answer["results"].as_array().unwrap();
    assert!(results.iter().map(labels).eq(answers.iter().cloned()));
    let none = server.predict(&json!({ "examples": [] }));
    assert_eq!(none, json!({ "results": [] }));
    // Without features, and with the number of labels in the query or left out.
    assert_eq!(labels(&server.predict(&json!({ "features": {} }))).len(), 5);
    assert_eq!(labels(&server.post("/predict?k=2", JSON, r#"{"features":{}}"#).json()).len(), 2);
    assert_eq!(labels(&server.post("/predict?k=2", JSON, r#"{"features":{},"k":3}"#).json()).len(), 3);
    server.end();
}

#[test]
fn a_stream_is_answered_line_by_line() {
    let folder = trained();
    let server = Server::start(&folder, "m.slide");
    let (questions, answers) = expected(&folder, "m.slide", 3);
    let lines: String = questions.iter().map(|features| format!("{}\n", json!({ "features": features }))).collect();
    let reply = server.post("/predict?k=3", NDJSON, lines.repeat(5));
    assert_eq!((reply.status, reply.header("content-type")), (200, Some(NDJSON)));
    let found: Vec<_> = reply.text().lines().map(|line| labels(&serde_json::from_str(line).unwrap())).collect();
    assert!(found.iter().eq(answers.iter().cycle().take(5 * answers.len())), "{found:?}");

    // Wrong lines do not keep the others from being answered.
    let text = "{\"features\":{}}\nno JSON\n\n{\"features\":{\"60\":1}}\n{\"examples\":[]}\n{\"features\":{},\"k\":1}";
    let reply = server.post("/predict", NDJSON, text);
    let found: Vec<Value> = reply.text().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(found.len(), 6, "{}", reply.text());
    assert_eq!((labels(&found[0]).len(), labels(&found[5]).len()), (5, 1));
    for (line, message) in
        [(2, "expected"), (3, "EOF"), (4, "features: the model does not know feature 60"), (5, "each line is one")]
    {
        let answer = &found[line - 1];
        assert_eq!(answer["line"], line);
        assert!(answer["error"].as_str().unwrap().contains(message), "{answer}");
    }

    // An answer does not wait for the end of the stream.
    let mut connection = server.connect();
    connection.begin_chunks("/predict?k=3", NDJSON);
    for (number, (features, expected)) in questions.iter().zip(&answers).take(3).enumerate() {
        connection.chunk(&format!("{}\n", json!({ "features": features })));
        if number == 0 {
            assert_eq!(connection.reply_head().0, 200);
        }
        assert_eq!(&labels(&serde_json::from_slice(&connection.reply_chunk().unwrap()).unwrap()), expected);
    }
    connection.chunk("");
    assert!(connection.reply_chunk().is_none());
    assert_eq!(server.metric("slide_stream_bad_lines_total"), 4.0);
    server.end();
}

#[test]
fn errors_say_which_example_and_which_feature() {
    let folder = trained();
    let server = Server::start(&folder, "m.slide --max-k 20 --max-examples 3 --max-body 1000");
    let long = format!(r#"{{"features":{{}},"k":1{}}}"#, " ".repeat(1000));
    for (question, status, message) in [
        (r#"{"features":{"60":1}}"#, 400, "features: the model does not know feature 60"),
        (r#"{"features":{"1":1,"1":2}}"#, 400, "features: feature 1 occurs twice"),
        (r#"{"features":{"1":"x"}}"#, 400, "features.1: invalid type: string \"x\", expected f32"),
        (r#"{"features":{"one":1}}"#, 400, "features"),
        (r#"{"features":{"1":1e39}}"#, 400, "features.1: number out of range"),
        (r#"{"examples":[{"features":{}},{"features":{"-1":1}}]}"#, 400, "examples[1].features"),
        (
            r#"{"examples":[{"features":{}},{"indices":[1,2],"values":[1]}]}"#,
            400,
            "example 1: indices: 2 indices and 1 values",
        ),
        (
            r#"{"examples":[{"features":{}},{}]}"#,
            400,
            "example 1: expected features, named_features, row, or indices and values",
        ),
        (r#"{"indices":[1]}"#, 400, "indices: expected features"),
        (r#"{"features":{},"values":[]}"#, 400, "features and values: expected features"),
        (r#"{"examples":[],"features":{}}"#, 400, "features: not beside `examples`"),
        (r#"{"examples":[{},{},{},{}]}"#, 413, "4 examples, expected at most 3"),
        (r#"{"named_features":{"a":1}}"#, 400, "this server has no names of features"),
        (r#"{"features":{},"k":0}"#, 400, "k: 0, expected 1 to 20"),
        (r#"{"features":{},"k":21}"#, 400, "k: 21, expected 1 to 20"),
        (r#"{"features":{},"n":1}"#, 400, "unknown field `n`"),
        (r#"{"features":{}"#, 400, "EOF while parsing an object at line 1"),
        ("[]", 400, "invalid type: sequence, expected an object"),
        (r#"{"examples":[[]]}"#, 400, "examples[0]: invalid type: sequence, expected an object"),
        ("", 400, "EOF"),
        (&long, 413, "the body has more than 1000 bytes"),
    ] {
        let reply = server.post("/predict", JSON, question);
        assert_eq!(reply.header("content-type"), Some(JSON));
        let said = reply.error(status);
        assert!(said.contains(message), "{question}: {said}");
    }
    assert!(server.post("/predict?k=x", JSON, "{}").error(400).contains("query"));
    assert!(server.post("/predict?k=21", JSON, "{}").error(400).contains("k: 21"));
    assert!(server.post("/predict", "text/plain", "{}").error(415).contains("text/plain"));
    assert!(server.post("/predictions", JSON, "{}").error(404).contains("/predict"));
    assert!(server.get("/predict").error(405).contains("POST"));
    // A line that is too long; then the stream goes on.
    let reply = server.post("/predict", NDJSON, format!("{}\n{{\"features\":{{}}}}\n", "x".repeat(5000)));
    let text = reply.text();
    assert!(text.lines().next().unwrap().contains("more than 1000 bytes") && text.lines().count() == 2, "{text}");
    // A body that is announced as too large is refused without being read.
    let mut connection = server.connect();
    connection.write(Connection::head("/predict", JSON, 1 << 40));
    assert_eq!(connection.reply().status, 413);
    server.end();
}

#[test]
fn names_that_are_unknown_are_named() {
    let folder = named();
    let server = Server::start(&folder, NAMES);
    let question = r#"{"examples":[{"named_features":{"feature 1":1}},{"named_features":{"feature 99":1}}]}"#;
    assert_eq!(
        server.post("/predict", JSON, question).error(400),
        "example 1: named_features: \"feature 99\" is no feature"
    );
    server.end();
}

#[test]
fn a_model_may_have_a_name_of_any_bytes() {
    let folder = named();
    std::fs::copy(folder.path("m.slide"), folder.path(".").join(odd(b"m.slide"))).unwrap();
    let server = Server::start(&folder, "?m.slide");
    assert_eq!(server.get("/model").json()["file"], "\u{fffd}m.slide");
    server.predict(&json!({ "features": {} }));
}

#[test]
fn what_the_server_says_of_itself() {
    let folder = named();
    let server = Server::start(&folder, NAMES);
    assert_eq!(server.get("/healthz").json(), json!({ "status": "ok" }));
    let model = server.get("/model").json();
    assert_eq!((&model["features"], &model["labels"]), (&json!(FEATURES), &json!(LABELS)));
    assert_eq!((&model["generation"], &model["has_label_names"]), (&json!(1), &json!(true)));
    let document = server.get("/openapi.json").json();
    assert_eq!(document["components"]["schemas"]["K"]["maximum"], 100);
    for path in document["paths"].as_object().unwrap().keys().filter(|path| *path != "/predict") {
        assert_eq!(server.get(path).status, 200, "{path}");
    }
    let page = server.get("/");
    assert!(page.header("content-security-policy").unwrap().starts_with("default-src 'none'; connect-src 'self';"));
    for elsewhere in ["http:", "https:", "//cdn", "@import", "src="] {
        assert!(!page.text().contains(elsewhere), "{elsewhere}");
    }
    server.predict(&json!({ "examples": [{ "features": {} }, { "features": {} }] }));
    server.post("/predict", JSON, "no JSON").error(400);
    let kind = server.get("/metrics");
    assert!(kind.header("content-type").unwrap().starts_with("application/openmetrics-text"));
    assert_eq!(server.metric("slide_examples_total"), 2.0);
    assert_eq!(server.metric(r#"slide_http_requests_total{endpoint="/predict",status="200"}"#), 1.0);
    assert_eq!(server.metric(r#"slide_http_requests_total{endpoint="/predict",status="400"}"#), 1.0);
    assert_eq!(server.metric("slide_queue_examples"), 0.0);
    assert!(server.end().contains("neither TLS nor a log-in"));
}

#[test]
fn only_this_machine_unless_told_otherwise() {
    let folder = trained();
    let refused = folder.slide("serve m.slide --listen 0.0.0.0:0").assert().code(2);
    refused
        .stderr(predicate::str::contains("--allow-remote").and(predicate::str::contains("neither TLS nor a log-in")));
    let server = Server::start_at(&folder, "0.0.0.0:0", "m.slide --allow-remote");
    assert!(server.end().contains("warning: whoever reaches 0.0.0.0:"));
    folder.slide("serve none.slide").assert().code(1).stderr(predicate::str::contains("none.slide"));
    folder
        .slide("serve m.slide --queue 5 --max-examples 6")
        .assert()
        .code(2)
        .stderr(predicate::str::contains("--queue"));
}

#[test]
fn a_full_queue_refuses_and_recovers() {
    let folder = trained();
    let server = Server::start(&folder, "m.slide --threads 1 --queue 500 --max-examples 500");
    let all = json!({ "examples": vec![json!({ "features": { "1": 1, "2": 1 } }); 500] }).to_string();
    let is_seen = AtomicBool::new(false);
    let check = |reply: Reply| match reply.status {
        200 => {}
        _ => {
            assert_eq!((reply.status, reply.header("retry-after")), (503, Some("1")));
            assert!(reply.error(503).contains("queue is full"));
            is_seen.store(true, Ordering::Relaxed);
        }
    };
    thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                let mut connection = server.connect();
                while !is_seen.load(Ordering::Relaxed) {
                    check(connection.post("/predict", JSON, &all));
                }
            });
        }
    });
    let name = r#"slide_http_requests_total{endpoint="/predict",status="503"}"#;
    assert!(server.metric(name) >= 1.0);
    assert_eq!(server.post("/predict", JSON, &all).status, 200);
    server.end();
}

#[test]
fn what_is_predicted_together_keeps_its_own_answer() {
    let folder = trained();
    let server = Server::start(&folder, "m.slide --threads 1");
    let expected: Vec<_> = (1..=4).map(|k| (k, expected(&folder, "m.slide", k))).collect();
    thread::scope(|scope| {
        for (k, (questions, answers)) in expected.iter().chain(&expected) {
            let server = &server;
            scope.spawn(move || {
                let mut connection = server.connect();
                for (features, expected) in questions.iter().zip(answers).cycle().take(500) {
                    let reply = connection.post("/predict", JSON, json!({ "features": features, "k": k }).to_string());
                    assert_eq!(&labels(&reply.json()), expected);
                }
            });
        }
    });
    let batches = server.metric("slide_batch_examples_count");
    assert!(batches < server.metric("slide_examples_total"), "none were predicted together");
    server.end();
}

#[test]
fn slow_clients_are_given_up() {
    let folder = trained();
    let server = Server::start(&folder, "m.slide --timeout 0.5");
    // An idle connection, half a head, half a body, half a stream.
    assert_eq!(server.connect().rest(), "");
    let mut connection = server.connect();
    connection.write("POST /predict HT");
    assert_eq!(connection.rest(), "");
    let mut connection = server.connect();
    connection.write(Connection::head("/predict", JSON, 100));
    connection.write(r#"{"features""#);
    assert!(connection.reply().error(408).contains("within 0.5 s"));
    let mut connection = server.connect();
    connection.begin_chunks("/predict", NDJSON);
    connection.chunk("{\"features\":{}}\n{\"feat");
    let text = connection.reply().text();
    let lines: Vec<&str> = text.lines().collect();
    assert!(lines.len() == 2 && lines[1].contains("within 0.5 s"), "{text}");
    // One that does not take its answer.
    let mut connection = server.connect();
    connection.begin_chunks("/predict?k=30", NDJSON);
    let chunk = "{\"features\":{}}\n".repeat(1000);
    let mut is_open = true;
    while is_open {
        is_open = connection.try_chunk(&chunk);
    }
    server.wait_until("no connection but that of the question", |server| server.metric("slide_connections") == 1.0);
    server.end();
}

#[test]
fn garbage_and_clients_that_vanish_do_no_harm() {
    let folder = trained();
    let server = Server::start(&folder, "m.slide");
    let mut state = 1_u32;
    let mut noise = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    };
    let long = format!("GET / HTTP/1.1\r\nX: {}\r\n\r\n", "x".repeat(1 << 20));
    let texts: [&[u8]; 6] = [
        b"\r\n\r\n\r\n",
        b"GET /\r\n\r\n",
        b"POST /predict HTTP/1.1\r\nContent-Length: x\r\n\r\n",
        b"POST /predict HTTP/1.1\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        long.as_bytes(),
    ];
    let noise: Vec<Vec<u8>> = (0..50).map(|length| (0..length * 7).map(|_| noise()).collect()).collect();
    for garbage in texts.into_iter().chain(noise.iter().map(Vec::as_slice)) {
        let mut connection = server.connect();
        // The server may close the connection before it has read everything.
        connection.try_write(garbage);
        connection.finish();
        let answer = connection.rest();
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 4"), "{answer}");
    }
    // Clients that are killed: behind the head, in the body, behind the question, in the answer.
    let many = json!({ "examples": vec![json!({ "features": { "1": 1 } }); 1000] }).to_string();
    for sent in [0, many.len() / 2, many.len()] {
        for _ in 0..20 {
            let mut connection = server.connect();
            connection.write(Connection::head("/predict", JSON, many.len()));
            connection.write(&many[..sent]);
        }
    }
    for _ in 0..20 {
        let mut connection = server.connect();
        connection.begin_chunks("/predict", NDJSON);
        connection.chunk("{\"features\":{}}\n");
        connection.reply_head();
    }
    server.wait_until("no connection but that of the question", |server| server.metric("slide_connections") == 1.0);
    server.wait_until("an empty queue", |server| server.metric("slide_queue_examples") == 0.0);
    assert_eq!(labels(&server.predict(&json!({ "features": {} }))).len(), 5);
    let said = server.end();
    assert!(!said.contains("panic"), "{said}");
}

#[test]
fn what_was_accepted_is_answered_before_the_end() {
    let folder = trained();
    let server = Server::start(&folder, "m.slide --threads 2");
    // One has sent half of its question, one is in the middle of a stream.
    let question = r#"{"features":{"1":1}}"#;
    let mut half = server.connect();
    half.write(Connection::head("/predict", JSON, question.len()));
    half.write(&question[..10]);
    let mut stream = server.connect();
    stream.begin_chunks("/predict", NDJSON);
    stream.chunk(&format!("{question}\n"));
    assert_eq!(stream.reply_head().0, 200);
    stream.reply_chunk().unwrap();
    let (begun, ended) = (AtomicBool::new(false), AtomicBool::new(false));
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                // Question after question, each answered, until the server says that this is the last answer.
                let mut connection = server.connect();
                loop {
                    let reply = connection.post("/predict", JSON, question);
                    assert_eq!(labels(&reply.json()).len(), 5);
                    begun.store(true, Ordering::Relaxed);
                    if reply.header("connection") == Some("close") {
                        assert!(ended.load(Ordering::Relaxed), "closed without a signal");
                        assert_eq!(connection.rest(), "");
                        break;
                    }
                }
            });
        }
        server.wait_until("requests", |_| begun.load(Ordering::Relaxed));
        ended.store(true, Ordering::Relaxed);
        server.signal("TERM");
    });
    // All of these have ended; the server has not.
    half.write(&question[10..]);
    let reply = half.reply();
    assert_eq!((labels(&reply.json()).len(), reply.header("connection")), (5, Some("close")));
    for _ in 0..3 {
        stream.chunk(&format!("{question}\n"));
        assert_eq!(labels(&serde_json::from_slice(&stream.reply_chunk().unwrap()).unwrap()).len(), 5);
    }
    stream.chunk("");
    assert!(stream.reply_chunk().is_none());
    let (status, said) = server.wait();
    assert!(status.success() && said.contains("all requests that were accepted are answered"), "{status}: {said}");
}

#[test]
fn what_does_not_end_is_given_up_after_the_grace() {
    let folder = trained();
    let server = Server::start(&folder, "m.slide --grace 1.5");
    let mut half = server.connect();
    half.write(Connection::head("/predict", JSON, 100));
    half.write("{");
    server.wait_until("two connections", |server| server.metric("slide_connections") == 2.0);
    server.signal("TERM");
    let (status, said) = server.wait();
    assert!(status.code() == Some(1) && said.contains("1 connections did not end within 1.5 s"), "{status}: {said}");
}

#[test]
fn a_new_model_is_taken_over_without_losing_a_request() {
    for (words, is_signalled) in [("m.slide", true), ("m.slide --watch", false)] {
        let folder = trained();
        folder.train("n.slide", "--seed 7 --epochs 3").success();
        let (questions, old) = expected(&folder, "m.slide", 10);
        let (_, new) = expected(&folder, "n.slide", 10);
        let differing = (0..old.len()).find(|&example| old[example] != new[example]).unwrap();
        let (question, old, new) =
            (json!({ "features": questions[differing], "k": 10 }).to_string(), &old[differing], &new[differing]);
        let server = Server::start(&folder, words);
        let is_done = AtomicBool::new(false);
        thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| {
                    let mut connection = server.connect();
                    let mut is_new = false;
                    while !is_done.load(Ordering::Relaxed) {
                        let reply = connection.post("/predict", JSON, &question);
                        assert_eq!(reply.status, 200);
                        let found = labels(&reply.json());
                        is_new |= &found == new;
                        assert_eq!(&found, if is_new { new } else { old });
                    }
                    assert!(is_new);
                });
            }
            std::fs::rename(folder.path("n.slide"), folder.path("m.slide")).unwrap();
            if is_signalled {
                server.signal("HUP");
            }
            server.wait_until("the new model", |server| server.get("/model").json()["generation"] == 2);
            // Each client asks once more.
            let before = server.metric("slide_examples_total");
            server.wait_until("more answers", |server| server.metric("slide_examples_total") > before + 100.0);
            is_done.store(true, Ordering::Relaxed);
        });
        assert_eq!(server.metric(r#"slide_model_loads_total{result="taken"}"#), 1.0);

        // A damaged one is refused, and the one before is still served.
        folder.write("damaged.slide", &folder.read("m.slide")[..5000]);
        std::fs::rename(folder.path("damaged.slide"), folder.path("m.slide")).unwrap();
        if is_signalled {
            server.signal("HUP");
        }
        let refused = r#"slide_model_loads_total{result="refused"}"#;
        server.wait_until("the refusal", |server| server.metric(refused) == 1.0);
        assert_eq!(&labels(&server.post("/predict", JSON, &question).json()), new);
        assert_eq!(server.get("/model").json()["generation"], 2);
        let said = server.end();
        assert!(said.contains("the new model is refused: ") && said.contains("model 2 is still served"), "{said}");
    }
}
