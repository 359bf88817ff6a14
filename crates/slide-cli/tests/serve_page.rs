//! The page of `slide serve` in a real browser: Chromium without a screen, driven by chromedriver (Debian: chromium-driver).
//!
//! Without chromedriver the test says that it was skipped; with `SLIDE_REQUIRE_BROWSER=1` it fails then.
#![cfg(all(unix, feature = "serve"))]

mod common;

use std::io::{BufRead, BufReader, ErrorKind};
use std::net::{Ipv4Addr, SocketAddr};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use common::server::{Connection, JSON, Server};
use common::{FEATURES, Folder, LABELS};
use serde_json::{Value, json};

const PATIENCE: Duration = Duration::from_secs(120);

/// The name of an element in the protocol.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

/// A browser that is controlled by the protocol WebDriver.
struct Browser {
    driver: Child,
    address: SocketAddr,
    session: String,
}

impl Browser {
    /// None if there is no chromedriver.
    fn start() -> Option<Self> {
        let started = Command::new("chromedriver").arg("--port=0").stdout(Stdio::piped()).stderr(Stdio::null()).spawn();
        let mut driver = match started {
            Ok(driver) => driver,
            Err(error) if error.kind() == ErrorKind::NotFound => return None,
            Err(error) => panic!("{error}"),
        };
        let mut lines = BufReader::new(driver.stdout.take().unwrap()).lines();
        let port = lines
            .find_map(|line| line.unwrap().split_once("successfully on port ")?.1.trim_end_matches('.').parse().ok());
        let address = (Ipv4Addr::LOCALHOST, port.expect("chromedriver says its port")).into();
        let mut browser = Self { driver, address, session: String::new() };
        let options = json!({ "args": ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"] });
        let wanted = json!({ "goog:chromeOptions": options, "goog:loggingPrefs": { "browser": "ALL" } });
        let session = browser.post("/session", json!({ "capabilities": { "alwaysMatch": wanted } }));
        browser.session = format!("/session/{}", session["sessionId"].as_str().unwrap_or_else(|| panic!("{session}")));
        Some(browser)
    }

    /// The value that answers a command.
    fn post(&self, command: &str, parameters: Value) -> Value {
        let path = format!("{}{command}", self.session);
        let reply = Connection::to(self.address).post(&path, JSON, parameters.to_string());
        assert_eq!(reply.status, 200, "{command}: {}", reply.text());
        reply.json()["value"].clone()
    }

    fn element(&self, selector: &str) -> String {
        let element = self.post("/element", json!({ "using": "css selector", "value": selector }));
        element[ELEMENT].as_str().unwrap().to_owned()
    }

    fn click(&self, selector: &str) {
        self.post(&format!("/element/{}/click", self.element(selector)), json!({}));
    }

    /// Replaces the text of a field.
    fn enter(&self, selector: &str, text: &str) {
        let element = self.element(selector);
        self.post(&format!("/element/{element}/clear"), json!({}));
        self.post(&format!("/element/{element}/value"), json!({ "text": text }));
    }

    fn run(&self, script: &str) -> Value {
        self.post("/execute/sync", json!({ "script": script, "args": [] }))
    }

    /// Waits until the script returns something that is neither false nor empty.
    fn wait(&self, script: &str) -> Value {
        let start = Instant::now();
        loop {
            let value = self.run(script);
            if ![Value::Null, json!(false), json!("")].contains(&value) {
                return value;
            }
            assert!(start.elapsed() < PATIENCE, "waited in vain: {script}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // Closes Chromium, also after a failed assertion.
        let request = format!("DELETE {} HTTP/1.1\r\nHost: localhost\r\n\r\n", self.session);
        let mut connection = Connection::to(self.address);
        if connection.try_write(request.as_bytes()) {
            connection.reply();
        }
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}

const STATUS: &str = "return document.getElementById('status').textContent";
const ROWS: &str = "return [...document.querySelectorAll('#answers:not([hidden]) tbody tr')].map(row => [...row.cells].map(cell => cell.textContent))";

/// None where there is no chromedriver and it need not be.
fn browser() -> Option<Browser> {
    let browser = Browser::start();
    if browser.is_none() {
        assert!(std::env::var_os("SLIDE_REQUIRE_BROWSER").is_none(), "there is no chromedriver");
        eprintln!("skipped: there is no chromedriver (Debian: chromium-driver)");
    }
    browser
}

#[test]
fn a_person_tries_a_model_of_texts() {
    let Some(browser) = browser() else { return };
    let folder = Folder::new();
    let rows = "label,review,stars\ngood,a film to see twice,5\nbad,two hours of boredom,1\n".to_owned();
    let rows = rows.clone() + &rows.split_once('\n').unwrap().1.repeat(20);
    folder.write("rows.csv", &rows);
    for (model, option, entered) in [
        ("text.slide", "--text review", "boredom for hours"),
        ("table.slide", "--text review --column stars:numeric", r#"{"review": "boredom for hours"}"#),
    ] {
        folder.slide(&format!("train rows.csv --target label {option} -o {model}")).assert().success();
        let server = Server::start(&folder, model);
        browser.post("/url", json!({ "url": format!("http://{}/", server.address) }));
        browser.wait("return !document.getElementById('form-of-rows').hidden");
        browser.enter("#input", entered);
        browser.click("#predict");
        assert!(browser.wait(STATUS).as_str().unwrap().starts_with("2 labels, answered in "));
        assert_eq!(browser.run(ROWS)[0][1], "bad");
        server.end();
    }
}

#[test]
fn a_person_tries_the_model() {
    let Some(browser) = browser() else { return };
    let folder = Folder::new();
    folder.train("m.slide", "").success();
    // A name that is markup, and is shown as text.
    let names = |kind: &str, count| (0..count).map(|number| format!("<b>{kind}</b>{number}\n")).collect::<String>();
    folder.write("labels.txt", names("label", LABELS));
    folder.write("features.txt", names("feature", FEATURES));
    let server = Server::start(&folder, "m.slide --names labels.txt --feature-names features.txt");
    browser.post("/url", json!({ "url": format!("http://{}/", server.address) }));
    let model = browser
        .wait("const text = document.getElementById('model').textContent; return text.includes('labels') && text");
    assert_eq!(model, "m.slide: 30 labels, 60 features, trained on 400 examples");

    browser.enter("#input", "<b>feature</b>6 <b>feature</b>7:2");
    browser.enter("#k", "3");
    browser.click("#predict");
    let status = browser.wait(STATUS);
    let status = status.as_str().unwrap();
    assert!(status.starts_with("3 labels, answered in ") && status.ends_with(" ms"), "{status}");
    let expected = server.predict(&json!({ "features": { "6": 1, "7": 2 }, "k": 3 }));
    let rows = browser.run(ROWS);
    for (row, best) in rows.as_array().unwrap().iter().zip(expected["predictions"].as_array().unwrap()) {
        let percent: f64 = row[2].as_str().unwrap().strip_suffix(" %").unwrap().parse().unwrap();
        assert!((percent - 100.0 * best["probability"].as_f64().unwrap()).abs() < 0.06, "{row}: {best}");
        assert_eq!((&row[0], &row[1]), (&json!(best["label"].to_string()), &best["name"]));
    }
    assert_eq!(rows.as_array().unwrap().len(), 3);

    // By number, with Enter; and a mistake.
    browser.click("#by option[value=number]");
    browser.run("document.getElementById('status').textContent = ''");
    browser.enter("#input", "6 7:2\u{e007}");
    assert!(browser.wait(STATUS).as_str().unwrap().starts_with("3 labels"));
    assert_eq!(browser.run(ROWS), rows);
    browser.enter("#input", "60");
    browser.click("#predict");
    browser.wait("return document.getElementById('status').className === 'error'");
    assert_eq!(browser.run(STATUS), "features: the model does not know feature 60");
    assert_eq!(browser.run(ROWS), json!([]));

    // Nothing was fetched from elsewhere, and nothing that the page is not allowed.
    let fetched = browser.run("return performance.getEntriesByType('resource').map(entry => entry.name)");
    let own = format!("http://{}/", server.address);
    let fetched = fetched.as_array().unwrap();
    assert!(!fetched.is_empty() && fetched.iter().all(|name| name.as_str().unwrap().starts_with(&own)), "{fetched:?}");
    let log = browser.post("/se/log", json!({ "type": "browser" }));
    let unexpected = |entry: &&Value| !entry["message"].as_str().unwrap().contains("400 (Bad Request)");
    assert_eq!(log.as_array().unwrap().iter().filter(unexpected).collect::<Vec<_>>(), Vec::<&Value>::new());
    drop(browser);
    server.end();
}
