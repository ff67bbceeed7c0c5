//! Every limit of the document, overstepped one by one in an otherwise good body, is refused.

use axum::body::Body;
use serde_json::{Map, Value, json};

use super::{client::Client, coverage::Market};

/// Who is asked as, the likeliest first.
const ROLES: [usize; 4] = [7, 5, 6, 1];
/// What a body against the schema is answered with.
const REFUSED: [u16; 3] = [400, 415, 422];

/// The schemas of the document.
struct Schemas(Value);

impl Schemas {
    /// Follows references and looks through the ways of saying "or null".
    fn resolve<'a>(&'a self, schema: &'a Value) -> &'a Value {
        if let Some(reference) = schema["$ref"].as_str() {
            let pointer = reference.trim_start_matches('#');
            return self.resolve(self.0.pointer(pointer).expect("what is referred to"));
        }
        let real = |schema: &&Value| schema["type"] != "null";
        for key in ["oneOf", "anyOf", "allOf"] {
            let choices = schema[key]
                .as_array()
                .map(Vec::as_slice)
                .unwrap_or_default();
            let mut choices = choices.iter().filter(real);
            if let (Some(only), None) = (choices.next(), choices.next()) {
                return self.resolve(only);
            }
        }
        schema
    }

    /// Returns bodies that are wrong in one thing each, with the words for it. `good` is a value
    /// that is right, if one is known.
    fn wrong(&self, schema: &Value, good: Option<&Value>) -> Vec<(String, Value)> {
        let schema = self.resolve(schema);
        let is = |name: &str| {
            let kind = &schema["type"];
            kind == name
                || kind
                    .as_array()
                    .is_some_and(|kinds| kinds.contains(&name.into()))
        };
        if is("object") {
            self.wrong_objects(schema, good)
        } else if is("array") {
            self.wrong_arrays(schema, good)
        } else if is("string") {
            wrong_strings(schema, good)
        } else if is("integer") {
            wrong_integers(schema)
        } else if is("boolean") {
            vec![("is no boolean".to_owned(), json!("yes"))]
        } else {
            Vec::new()
        }
    }

    fn wrong_objects(&self, schema: &Value, good: Option<&Value>) -> Vec<(String, Value)> {
        let good = good.and_then(Value::as_object).cloned().unwrap_or_default();
        let with = |name: &str, value: Value| {
            let mut object = good.clone();
            object.insert(name.to_owned(), value);
            Value::Object(object)
        };
        let mut wrong = vec![("is no object".to_owned(), json!("text"))];
        if schema["additionalProperties"] == false {
            wrong.push(("has an unknown field".to_owned(), with("no_such", json!(1))));
        }
        for name in schema["required"].as_array().unwrap_or(&Vec::new()) {
            let name = name.as_str().expect("a name");
            let mut object: Map<_, _> = good.clone();
            object.remove(name);
            wrong.push((format!("lacks {name}"), object.into()));
        }
        let empty = Map::new();
        for (name, property) in schema["properties"].as_object().unwrap_or(&empty) {
            for (what, value) in self.wrong(property, good.get(name)) {
                wrong.push((format!("{name} {what}"), with(name, value)));
            }
        }
        wrong
    }

    fn wrong_arrays(&self, schema: &Value, good: Option<&Value>) -> Vec<(String, Value)> {
        let items = good.and_then(Value::as_array).cloned().unwrap_or_default();
        let mut wrong = vec![("is no list".to_owned(), json!("text"))];
        if let (Some(most), Some(first)) = (schema["maxItems"].as_u64(), items.first()) {
            let many = usize::try_from(most).expect("a size") + 1;
            wrong.push(("is too long".to_owned(), vec![first.clone(); many].into()));
        }
        if schema["minItems"].as_u64().is_some_and(|least| least > 0) {
            wrong.push(("is empty".to_owned(), json!([])));
        }
        for (what, value) in self.wrong(&schema["items"], items.first()) {
            wrong.push((format!("has an item that {what}"), json!([value])));
        }
        wrong
    }
}

fn wrong_strings(schema: &Value, good: Option<&Value>) -> Vec<(String, Value)> {
    let mut wrong = vec![("is no text".to_owned(), json!({"no": "text"}))];
    let good = good.and_then(Value::as_str).unwrap_or_default();
    if let Some(most) = schema["maxLength"].as_u64() {
        // Longer by more of its last character, so that nothing but its length is wrong.
        let last = good.chars().last().unwrap_or('0');
        let missing = usize::try_from(most).expect("a size") + 1 - good.chars().count();
        let long: String = good
            .chars()
            .chain(std::iter::repeat_n(last, missing))
            .collect();
        wrong.push(("is too long".to_owned(), long.into()));
    }
    if schema["minLength"].as_u64().is_some_and(|least| least > 0) {
        wrong.push(("is empty".to_owned(), json!("")));
    }
    if schema["enum"].is_array() {
        wrong.push(("is none of the words".to_owned(), json!("no-such-word")));
    }
    wrong
}

fn wrong_integers(schema: &Value) -> Vec<(String, Value)> {
    let mut wrong = vec![("is no number".to_owned(), json!("text"))];
    for (key, step, what) in [
        ("maximum", 1, "is too large"),
        ("minimum", -1, "is too small"),
    ] {
        if let Some(beyond) = schema[key]
            .as_i64()
            .and_then(|limit| limit.checked_add(step))
        {
            wrong.push((what.to_owned(), beyond.into()));
        }
    }
    wrong
}

/// Sends a JSON body in a copy of the market; gives the status.
async fn send(client: &Client, (method, path): (&str, &str), body: &Value) -> u16 {
    let body = Body::from(body.to_string());
    let reply = client.send(method, path, "application/json", body).await;
    reply.status.as_u16()
}

/// Returns a client for whom the good body is not refused as wrong, in a fresh copy.
async fn welcome(market: &Market, at: (&str, &str), good: &Value) -> Option<Client> {
    for role in ROLES {
        let copy = market.fixture.copy().await;
        let client = Client::anonymous(&copy.app).with_token(&market.tokens[role]);
        if send(&client, at, good).await < 300 {
            copy.app.close().await;
            let fresh = market.fixture.copy().await;
            return Some(Client::anonymous(&fresh.app).with_token(&market.tokens[role]));
        }
    }
    None
}

#[tokio::test]
async fn no_limit_of_a_body_is_overstepped() {
    let market = Market::new().await;
    let schemas = Schemas(serde_json::to_value(plimsoll_web::api::document()).expect("JSON"));
    let (mut tried, mut accepted, mut unwelcome) = (0, Vec::new(), Vec::new());
    for (path, item) in schemas.0["paths"].as_object().expect("paths") {
        for (method, operation) in item.as_object().expect("an item") {
            let method = method.to_uppercase();
            let schema = &operation["requestBody"]["content"]["application/json"]["schema"];
            if !schema.is_object() {
                continue;
            }
            let good = market.good(&method, path).unwrap_or_else(|| json!({}));
            let address = market.fill(path);
            let at = (method.as_str(), address.as_str());
            let Some(client) = welcome(&market, at, &good).await else {
                unwelcome.push(format!("{method} {path}"));
                continue;
            };
            for (what, body) in schemas.wrong(schema, Some(&good)) {
                tried += 1;
                let status = send(&client, at, &body).await;
                if !REFUSED.contains(&status) {
                    accepted.push(format!("{method} {path}: {status} where the body {what}"));
                }
            }
        }
    }
    assert!(tried > 300, "only {tried} were tried");
    assert_eq!(accepted, Vec::<String>::new(), "of {tried}");
    // Their good bodies need more than this market has: a letter, a change, a password.
    insta::assert_snapshot!(unwelcome.join("\n"), @"
    PUT /holds/{publisher}/{product}/grace
    POST /invitations/accept
    POST /proofs/email
    POST /publishers/{publisher}/partnership/decision
    POST /publishers/{publisher}/products/{product}/tags/withdrawal
    PUT /publishers/{publisher}/profile
    POST /robots
    POST /robots/{robot}/tokens
    ");
}
