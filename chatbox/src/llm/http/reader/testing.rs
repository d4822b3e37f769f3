//! Streams as providers send them → what is read of them, in short.

use super::*;

/// The events of an answer that comes in these reads, in short.
pub(in crate::llm) fn read_bytes<M: Mapper>(reads: &[&str]) -> Vec<String> {
    let mut reader = Reader::<M>::default();
    let mut all = Vec::new();
    for bytes in reads {
        reader.push(bytes.as_bytes());
        all.extend(std::iter::from_fn(|| reader.next()));
    }
    reader.end(None);
    all.extend(std::iter::from_fn(|| reader.next()));
    all.into_iter().map(short).collect()
}

/// Reads a stream cut in two at every byte: it is always the same text, and the same events beside it.
pub(in crate::llm) fn assert_cut_anywhere<M: Mapper>(stream: &str) {
    let whole = read_apart::<M>(&[stream.as_bytes()]);
    assert!(whole.0.chars().count() > 1, "{whole:?}");
    for place in 0..stream.len() {
        let (first, second) = stream.as_bytes().split_at(place);
        let parts = read_apart::<M>(&[first, second]);
        assert_eq!(parts, whole, "cut at byte {place}");
    }
    let bytes: Vec<_> = stream.as_bytes().chunks(1).collect();
    assert_eq!(read_apart::<M>(&bytes), whole, "byte by byte");
}

/// The text of an answer, and the events beside it.
fn read_apart<M: Mapper>(reads: &[&[u8]]) -> (String, Vec<String>) {
    let mut reader = Reader::<M>::default();
    let (mut text, mut others) = (String::new(), Vec::new());
    let mut take = |reader: &mut Reader<M>| {
        for read in std::iter::from_fn(|| reader.next()) {
            match read {
                Read::Event(Event::Text(piece)) => text.push_str(&piece),
                other => others.push(short(other)),
            }
        }
    };
    for bytes in reads {
        reader.push(bytes);
        take(&mut reader);
    }
    reader.end(None);
    take(&mut reader);
    (text, others)
}

fn short(read: Read) -> String {
    match read {
        Read::Event(Event::Text(text)) => text,
        Read::Event(Event::Usage(usage)) => format!("{}+{}", usage.question, usage.answer),
        Read::Event(Event::State(state)) => format!("state {state}"),
        Read::Event(Event::Done(Finish::Stop)) => "done".to_owned(),
        Read::Event(Event::Done(finish)) => format!("done {finish:?}"),
        Read::Failed(failed) => failed.error.to_string(),
        Read::Event(Event::Failed(_)) | Read::Activity => unreachable!("no reader makes one"),
    }
}

/// The same for the data of events that come one by one.
pub(in crate::llm) fn read<M: Mapper>(data: &[&str]) -> Vec<String> {
    let reads: Vec<_> = data
        .iter()
        .map(|data| format!("data: {data}\n\n"))
        .collect();
    read_bytes::<M>(&reads.iter().map(String::as_str).collect::<Vec<_>>())
}
