//! The page of the predecessor on this server: it never says what it has, and appends whatever comes.

use serde_json::{Value, json};
use tests::{Client, Provider, ResponseStream, World, openai};

/// What that page shows. Its rules are written down from its behaviour.
#[derive(Default)]
struct OldPage {
    /// Its socket, while it is connected.
    socket: Option<Client>,
    bubbles: Vec<String>,
    /// The last bubble takes what comes.
    is_open: bool,
    /// The dots that stand for an answer to come.
    has_dots: bool,
    errors: Vec<String>,
}

impl OldPage {
    /// Opened with a session in its URL: it reads the history once, and then connects.
    async fn open(world: &World) -> Self {
        let (_, history) = world.get("u", "/sessions/s").await;
        let messages = history["messages"].as_array().into_iter().flatten();
        let bubbles = messages.map(|message| message["content"].as_str().unwrap().to_owned());
        let mut page = Self {
            bubbles: bubbles.collect(),
            ..Self::default()
        };
        page.connect(world).await;
        page
    }

    async fn connect(&mut self, world: &World) {
        self.socket = Some(world.connect("u", "session_id=s").await);
        self.receive(|frame| frame["metadata"]["op"] == "hello")
            .await;
    }

    /// Gone without a word, and back at once.
    async fn reconnect(&mut self, world: &World) {
        if let Some(socket) = self.socket.take() {
            socket.vanish();
        }
        self.connect(world).await;
    }

    async fn say(&mut self, content: &str) {
        let message = json!({"type": "user_message", "session_id": "s", "content": content,
            "timestamp": "2031-01-01T00:00:00Z", "sender": "user"});
        self.socket.as_mut().unwrap().send(message).await;
        self.bubbles.push(content.to_owned());
        (self.is_open, self.has_dots) = (false, true);
    }

    /// Shows frames up to the first that `last` takes.
    async fn receive(&mut self, last: impl Fn(&Value) -> bool) {
        loop {
            let frame = self.socket.as_mut().unwrap().next().await;
            self.show(&frame);
            if last(&frame) {
                return;
            }
        }
    }

    async fn shows(&mut self, bubble: &str) {
        while self.bubbles.last().is_none_or(|last| last != bubble) {
            self.receive(|_| true).await;
        }
    }

    async fn is_done(&mut self) {
        self.receive(|frame| frame["metadata"]["done"] == "true")
            .await;
    }

    fn show(&mut self, frame: &Value) {
        let content = frame["content"].as_str().unwrap_or_default();
        match frame["type"].as_str().unwrap() {
            "loading" => self.has_dots = true,
            "user_message" => self.bubbles.push(content.to_owned()),
            "error" => {
                let words = frame["error"]["message"].as_str().unwrap();
                self.errors.push(words.to_owned());
                self.has_dots = false;
            }
            "ai_response" => self.append(content, frame["metadata"]["done"] == "true"),
            _ => {}
        }
    }

    fn append(&mut self, content: &str, is_done: bool) {
        if !content.is_empty() {
            if !self.is_open {
                self.bubbles.push(String::new());
            }
            (self.is_open, self.has_dots) = (true, false);
            self.bubbles.last_mut().unwrap().push_str(content);
        }
        if is_done {
            (self.is_open, self.has_dots) = (false, false);
        }
    }
}

async fn server() -> (World, Provider) {
    let provider = Provider::start().await;
    (World::start(openai(&provider)).await, provider)
}

/// A page that has asked and shows the beginning of the answer.
async fn in_the_middle(beginning: &str) -> (World, Provider, OldPage, ResponseStream) {
    let (world, mut provider) = server().await;
    let mut page = OldPage::open(&world).await;
    page.say("tell me").await;
    let stream = provider.call().await.begin();
    stream.push(beginning);
    page.shows(beginning).await;
    (world, provider, page, stream)
}

#[tokio::test]
async fn text_is_not_doubled_when_an_old_page_reconnects_in_the_middle() {
    let (world, _provider, mut page, stream) = in_the_middle("once ").await;
    for (piece, so_far) in [("upon ", "once upon "), ("a ", "once upon a ")] {
        page.reconnect(&world).await;
        stream.push(piece);
        page.shows(so_far).await;
        assert!(!page.has_dots, "the dots are back");
    }
    stream.push("time");
    stream.end();
    page.is_done().await;
    assert_eq!(page.bubbles, ["tell me", "once upon a time"]);
}

#[tokio::test]
async fn what_an_old_page_missed_of_an_answer_comes_when_it_is_back() {
    let (world, mut provider, mut page, stream) = in_the_middle("once ").await;
    page.socket.take().unwrap().vanish();
    let mut other = world.connect("u", "session_id=s&after_seq=0").await;
    stream.push("upon a time");
    stream.end();
    other.answer().await;
    page.connect(&world).await;
    page.is_done().await;
    assert_eq!(page.bubbles, ["tell me", "once upon a time"]);
    assert!(!page.is_open, "the next answer would go on in this bubble");
    page.say("and then?").await;
    provider.call().await.reply("the end");
    page.is_done().await;
    assert_eq!(
        page.bubbles,
        ["tell me", "once upon a time", "and then?", "the end"]
    );
}

#[tokio::test]
async fn an_answer_that_began_while_an_old_page_was_away_is_shown_whole() {
    let (world, mut provider) = server().await;
    let mut page = OldPage::open(&world).await;
    page.say("tell me").await;
    let call = provider.call().await;
    page.receive(|frame| frame["type"] == "loading").await;
    page.socket.take().unwrap().vanish();
    let mut other = world.connect("u", "session_id=s&after_seq=0").await;
    let stream = call.begin();
    stream.push("once upon ");
    other.wait_for("ai_response").await;
    page.connect(&world).await;
    stream.push("a time");
    stream.end();
    page.is_done().await;
    assert_eq!(page.bubbles, ["tell me", "once upon a time"]);
}

#[tokio::test]
async fn an_old_page_that_is_opened_in_the_middle_of_an_answer_shows_its_beginning() {
    let (world, _provider, mut page, stream) = in_the_middle("once upon ").await;
    page.socket.take().unwrap().vanish();
    let mut again = OldPage::open(&world).await;
    stream.push("a time");
    stream.end();
    again.is_done().await;
    assert_eq!(again.bubbles, ["tell me", "once upon a time"]);
}

/// A client of newer programs: it names its messages, and still asks for nothing.
#[tokio::test]
async fn who_asks_for_nothing_is_told_the_beginning_once() {
    let (world, mut provider) = server().await;
    let mut first = world.connect("u", "").await;
    first.say("s", "c", "tell me").await;
    let stream = provider.call().await.begin();
    stream.push("once upon ");
    first.wait_for("ai_response").await;
    let mut beside = world.connect("u", "session_id=s").await;
    assert_eq!(
        beside.wait_for("ai_response").await["content"],
        "once upon "
    );
    beside.vanish();
    first.vanish();
    let mut again = world.connect("u", "session_id=s").await;
    again.wait_for("hello").await;
    stream.push("a time");
    assert_eq!(again.next().await["content"], "a time");
}

#[tokio::test]
async fn a_failed_answer_leaves_no_empty_bubble() {
    let (world, mut provider) = server().await;
    let mut page = OldPage::open(&world).await;
    page.say("can you hear me?").await;
    provider.call().await.reject(401);
    page.receive(|frame| frame["type"] == "error").await;
    assert_eq!(page.bubbles, ["can you hear me?"]);
    assert!(!page.has_dots, "the dots are still there");
    assert_eq!(page.errors.len(), 1, "{:?}", page.errors);
    let again = OldPage::open(&world).await;
    let words = "The assistant could not answer. Please try again.";
    assert_eq!(again.bubbles, ["can you hear me?", words]);
    let (_, list) = world.get("u", "/sessions").await;
    assert_eq!(list["sessions"][0]["message_count"], 2);
    let (_, whole) = world.get("u", "/sessions/s?with_empty=true").await;
    let failed = &whole["messages"][1];
    assert_eq!(
        (&failed["status"], &failed["content"]),
        (&json!("failed"), &json!(""))
    );
    assert_eq!(whole["seq"], 2);
}
