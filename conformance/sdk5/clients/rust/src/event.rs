//! What the program writes.

use std::collections::HashMap;
use std::error::Error;
use std::io::Write;

use rocketmq::model::message::MessageView;
use serde::Serialize;

/// One line of output.
#[derive(Serialize, Default)]
#[serde(rename_all = "camelCase")]
pub struct Event {
    event: &'static str,
    id: i64,
    pub millis: u64,
    error: String,
    code: i64,
    body: String,
    size: usize,
    crc: u32,
    msg_id: String,
    topic: String,
    tag: String,
    keys: String,
    attempt: i32,
    message_group: String,
    deliver_at: i64,
    born: i64,
    props: HashMap<String, String>,
    message: usize,
}

impl Event {
    pub fn new(event: &'static str, id: i64) -> Self {
        Event { event, id, ..Event::default() }
    }

    pub fn received(id: i64, number: usize, m: &MessageView) -> Self {
        let mut e = Event::new("received", id).content(m.body()).id(m.message_id());
        e.message = number;
        e.topic = m.topic().to_string();
        e.tag = m.tag().unwrap_or_default().to_string();
        e.keys = m.keys().join(" ");
        e.attempt = m.delivery_attempt();
        e.message_group = m.message_group().unwrap_or_default().to_string();
        e.deliver_at = m.delivery_timestamp().unwrap_or_default() * 1000; // this client keeps the seconds only
        e.born = m.born_timestamp() * 1000;
        e.props = m.properties().clone();
        e
    }

    pub fn content(mut self, body: &[u8]) -> Self {
        let id = body.split(|b| *b == b'|').next().unwrap_or_default();
        self.body = String::from_utf8_lossy(id).into_owned();
        self.size = body.len();
        self.crc = crc32fast::hash(body);
        self
    }

    pub fn id(mut self, id: &str) -> Self {
        self.msg_id = id.to_string();
        self
    }

    /// The status' code is among what the client says of the error, as code="TopicNotFound" or a number.
    pub fn because(mut self, error: &dyn Error) -> Self {
        self.error = error.to_string();
        self
    }
}

pub fn emit(e: Event) {
    let mut line = serde_json::to_string(&e).expect("an event is JSON");
    line.push('\n');
    let mut out = std::io::stdout().lock();
    out.write_all(line.as_bytes()).and_then(|()| out.flush()).expect("standard output is open");
}
