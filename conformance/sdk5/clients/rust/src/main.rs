//! The official Rust v5 client under remote control; see clients/go/main.go for the lines it reads and writes.

mod event;

use std::collections::HashMap;
use std::error::Error;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::Arc;
use std::time::{Duration, Instant};

use event::{emit, Event};
use rocketmq::conf::{ClientOption, ProducerOption, SimpleConsumerOption};
use rocketmq::model::common::{FilterExpression, FilterType};
use rocketmq::model::message::{Message, MessageBuilder, MessageView};
use rocketmq::{Producer, SimpleConsumer};
use serde::Deserialize;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::sync::Mutex;

/// One line of input. Times are milliseconds.
#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct Command {
    id: i64,
    op: String,
    target: i64,
    topic: String,
    topics: Vec<String>,
    group: String,
    count: usize,
    size: usize,
    prefix: String,
    tag: String,
    keys: String,
    props: HashMap<String, String>,
    message_group: String,
    deliver_at: i64,
    mode: String,
    expression: String,
    filter_type: String,
    #[serde(rename = "await")]
    wait: u64,
    max: i32,
    invisible: u64,
    message: usize,
}

struct Subscriber {
    client: SimpleConsumer,
    topic: String,
    filter: FilterExpression,
}

/// What commands have made, by their ids.
#[derive(Default)]
struct Program {
    endpoint: String,
    producers: Mutex<HashMap<i64, Arc<Producer>>>,
    consumers: Mutex<HashMap<i64, Arc<Subscriber>>>,
    messages: Mutex<HashMap<usize, Arc<MessageView>>>,
    next: AtomicUsize,
}

type Failure = Box<dyn Error + Send + Sync>;

#[tokio::main]
async fn main() {
    let program = Arc::new(Program {
        endpoint: std::env::args().nth(1).expect("usage: conformance-v5 HOST:PORT"),
        ..Program::default()
    });
    emit(Event::new("ready", 0));
    let mut lines = BufReader::new(tokio::io::stdin()).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        let command: Command = serde_json::from_str(&line).expect("a command");
        let program = program.clone();
        tokio::spawn(async move { program.answer(command).await });
    }
    std::process::exit(0);
}

impl Program {
    async fn answer(&self, c: Command) {
        let begin = Instant::now();
        let mut done = match self.run(&c).await {
            Ok(()) => Event::new("done", c.id),
            Err(e) => Event::new("error", c.id).because(&*e),
        };
        done.millis = begin.elapsed().as_millis() as u64;
        emit(done);
    }

    async fn run(&self, c: &Command) -> Result<(), Failure> {
        match c.op.as_str() {
            "producer" => self.start_producer(c).await,
            "send" => self.send(c).await,
            "simple" => self.start_simple(c).await,
            "receive" => self.receive(c).await,
            "ack" => self.ack(c).await,
            "stop" => {
                self.producers.lock().await.remove(&c.target);
                self.consumers.lock().await.remove(&c.target);
                Ok(())
            }
            other => Err(format!("unknown op {other}").into()),
        }
    }

    fn options(&self, wait: u64) -> ClientOption {
        let mut options = ClientOption::default();
        options.set_access_url(self.endpoint.clone());
        options.set_enable_tls(std::env::var("TLS").as_deref() != Ok("off"));
        if wait > 0 {
            options.set_long_polling_timeout(Duration::from_millis(wait));
        }
        options
    }

    async fn start_producer(&self, c: &Command) -> Result<(), Failure> {
        let mut topics = c.topics.clone();
        if !c.topic.is_empty() {
            topics.push(c.topic.clone());
        }
        let mut option = ProducerOption::default();
        option.set_topics(topics);
        let mut producer = Producer::new(option, self.options(0))?;
        producer.start().await?;
        self.producers.lock().await.insert(c.id, Arc::new(producer));
        Ok(())
    }

    async fn send(&self, c: &Command) -> Result<(), Failure> {
        let producer = self.producers.lock().await.get(&c.target).cloned().ok_or("no such producer")?;
        let count = c.count.max(1);
        if c.mode == "batch" {
            let bodies: Vec<_> = (0..count).map(|i| body(c, i)).collect();
            let messages = bodies.iter().map(|b| message(c, b)).collect::<Result<Vec<_>, _>>()?;
            for (b, receipt) in bodies.iter().zip(producer.batch_send(messages).await?) {
                emit(Event::new("sent", c.id).content(b).id(receipt.message_id()));
            }
            return Ok(());
        }
        for i in 0..count {
            let b = body(c, i);
            match producer.send(message(c, &b)?).await {
                Ok(receipt) => emit(Event::new("sent", c.id).content(&b).id(receipt.message_id())),
                Err(e) => emit(Event::new("failed", c.id).content(&b).because(&e)),
            }
        }
        Ok(())
    }

    async fn start_simple(&self, c: &Command) -> Result<(), Failure> {
        let mut option = SimpleConsumerOption::default();
        option.set_topics(vec![c.topic.clone()]);
        option.set_consumer_group(c.group.clone());
        let mut client = SimpleConsumer::new(option, self.options(c.wait))?;
        client.start().await?;
        let kind = if c.filter_type == "SQL92" { FilterType::Sql } else { FilterType::Tag };
        let expression = if c.expression.is_empty() { "*" } else { &c.expression };
        let filter = FilterExpression::new(kind, expression);
        let subscriber = Subscriber { client, topic: c.topic.clone(), filter };
        self.consumers.lock().await.insert(c.id, Arc::new(subscriber));
        Ok(())
    }

    async fn consumer(&self, id: i64) -> Result<Arc<Subscriber>, Failure> {
        self.consumers.lock().await.get(&id).cloned().ok_or_else(|| "no such consumer".into())
    }

    async fn receive(&self, c: &Command) -> Result<(), Failure> {
        let s = self.consumer(c.target).await?;
        let lease = Duration::from_millis(c.invisible);
        for view in s.client.receive_with(&s.topic, &s.filter, c.max, lease).await? {
            let number = self.next.fetch_add(1, Ordering::Relaxed);
            emit(Event::received(c.id, number, &view));
            self.messages.lock().await.insert(number, Arc::new(view));
        }
        Ok(())
    }

    async fn ack(&self, c: &Command) -> Result<(), Failure> {
        let s = self.consumer(c.target).await?;
        let view = self.messages.lock().await.get(&c.message).cloned().ok_or("no such message")?;
        Ok(s.client.ack(&*view).await?)
    }
}

/// The i-th body of a command: "prefix-i|xxxx" of the wanted size.
fn body(c: &Command, i: usize) -> Vec<u8> {
    let prefix = if c.prefix.is_empty() { "m" } else { &c.prefix };
    let mut body = format!("{prefix}-{i}|").into_bytes();
    body.resize(body.len().max(c.size), b'x');
    body
}

fn message(c: &Command, body: &[u8]) -> Result<impl Message, Failure> {
    let mut m = MessageBuilder::builder().set_topic(&c.topic).set_body(body.to_vec());
    if !c.tag.is_empty() {
        m = m.set_tag(&c.tag);
    }
    if !c.keys.is_empty() {
        m = m.set_keys(c.keys.split(' ').collect());
    }
    if !c.props.is_empty() {
        m = m.set_properties(c.props.clone());
    }
    if !c.message_group.is_empty() {
        m = m.set_message_group(&c.message_group);
    }
    if c.deliver_at != 0 {
        m = m.set_delivery_timestamp(c.deliver_at / 1000);
    }
    Ok(m.build()?)
}
